"""Test a version that is deleted before it is processed: it is noted as gone, not retried, and no dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from integration_tests.e2e.cleanup import Made
from integration_tests.e2e.report import Run
from integration_tests.e2e.waiting import wait_until
from operations.attribute_values import Wire
from operations.dead_letters import DeadLetterQueue
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id

_FILES: Final = 5
"""Number of deleted files: the processor may read some before their deletion, but hardly all."""
_BODY: Final = b'{"n": 1}\n'


@dataclass(frozen=True)
class Outcome:
    """The outcome of files whose only version in the primary was deleted at once, by object id.

    Attributes:
        results: RESULT rows of files that the processor read, or that reached the secondary, before the deletion.
        gone: The primary's reasons for processing nothing.
    """

    results: dict[str, dict[str, Wire]]
    gone: dict[str, str]


@pytest.fixture(scope="module")
def outcome(deployment: Deployment, run: Run) -> Outcome:
    """Put files, delete them, and wait until each has a RESULT or is noted as gone."""
    target = deployment.target
    keys = [f"{_prefix(deployment)}{number}.ndjson" for number in range(_FILES)]
    ids = {object_id(key, _put_and_delete(deployment, key)): key for key in keys}
    run.issued.extend(Made(one, records=1) for one in ids)
    ledger = Ledger(deployment, target.primary)
    found = Outcome({}, {})

    def all_done() -> bool:
        attempts = ledger.attempts(ids, target.primary)
        found.gone.update({one: str(row["gone"]["S"]) for one, row in attempts.items() if "gone" in row})
        found.results.update(ledger.results(ids))
        copies = {one for one, key in ids.items() if _is_in_secondary(deployment, key)}
        return set(ids) - copies <= set(found.gone) | set(found.results) and copies <= set(found.results)

    lacking = "a version that is gone is not noted (if none is, the processor may not list the bucket and gets 403)"
    assert wait_until(target, all_done), f"{lacking}: {found}"
    return found


def test_version_deleted_at_once_is_noted_as_gone(outcome: Outcome) -> None:
    assert outcome.gone, f"the processor read all {len(outcome.results)} files before their deletion: {outcome.results}"
    assert all(reason.startswith("gone: version ") for reason in outcome.gone.values()), outcome.gone


def test_deleted_version_has_a_result_only_if_a_copy_was_processed(outcome: Outcome) -> None:
    states = [(row["state"], row["accepted"]) for row in outcome.results.values()]
    assert states == [({"S": "COMPLETED"}, {"N": "1"})] * len(states)


def test_deleted_version_is_no_dead_letter(outcome: Outcome, deployment: Deployment) -> None:
    assert outcome.gone
    for region in deployment.target.regions:
        assert not DeadLetterQueue(deployment, region).of_prefixes(_prefix(deployment)), region


def _put_and_delete(deployment: Deployment, key: str) -> str:
    """Put a file and delete its version; return the version's id."""
    primary = deployment.target.primary
    s3, bucket = deployment.client("s3", primary), deployment.ingest_bucket(primary)
    version = str(s3.put_object(Bucket=bucket, Key=key, Body=_BODY)["VersionId"])
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    return version


def _is_in_secondary(deployment: Deployment, key: str) -> bool:
    secondary = deployment.target.secondary
    s3, bucket = deployment.client("s3", secondary), deployment.ingest_bucket(secondary)
    return bool(s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions"))


def _prefix(deployment: Deployment) -> str:
    return f"{deployment.target.object_prefix}gone/"
