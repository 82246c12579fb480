"""A version that is deleted before it is processed: concluded as gone, and neither tried again nor a dead letter."""

from __future__ import annotations

from typing import Final

import pytest

from integration_tests.e2e.cleanup import Made
from integration_tests.e2e.report import Run
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id
from operations.queues import own_letters
from operations.wire import Wire

_FILES: Final = 5
"""So many are put and deleted; the processor may come before the deletion, but hardly before each of them."""
_BODY: Final = b'{"n": 1}\n'

Results = dict[str, dict[str, Wire]]


@pytest.fixture(scope="module")
def results(deployment: Deployment, run: Run) -> Results:
    """What became of files whose only version was deleted at once, by object id: RESULT as both regions have it."""
    ids = [_put_and_delete(deployment, number) for number in range(_FILES)]
    run.issued.extend(Made(one, records=1) for one in ids)
    ledgers = [Ledger(deployment, region) for region in deployment.target.regions]
    found: dict[str, Results] = {}

    def all_done() -> bool:
        found.update({ledger.region: ledger.results(ids) for ledger in ledgers})
        return all(set(rows) == set(ids) for rows in found.values())

    lacking = "a version that is gone has no RESULT (if of none, the processor may not list the bucket, and is told 403)"
    assert wait_until(deployment.target, all_done), f"{lacking}: {found}"
    return found[deployment.target.primary]


def test_a_version_that_was_deleted_at_once_is_concluded_as_gone(results: Results) -> None:
    gone = {one: row for one, row in results.items() if row["state"] == {"S": "QUARANTINED"}}
    assert gone, f"the processor was before the deletion {len(results)} times: {results}"
    for row in gone.values():
        assert row["reason"]["S"].startswith("gone: "), row
        assert {name: row[name]["N"] for name in ("records", "accepted", "rejected")} == {
            "records": "0",
            "accepted": "0",
            "rejected": "0",
        }
    others = [row["state"] for one, row in results.items() if one not in gone]
    assert others == [{"S": "COMPLETED"}] * len(others)


def test_it_is_no_dead_letter(results: Results, deployment: Deployment) -> None:
    assert results
    for region in deployment.target.regions:
        keys = {letter.object_key for letter in own_letters(deployment, region)}
        assert not {key for key in keys if key.startswith(_prefix(deployment))}, region


def _put_and_delete(deployment: Deployment, number: int) -> str:
    """Put a file and delete its version; return its identity."""
    primary = deployment.target.primary
    s3, bucket = deployment.client("s3", primary), deployment.ingest_bucket(primary)
    key = f"{_prefix(deployment)}{number}.ndjson"
    version = str(s3.put_object(Bucket=bucket, Key=key, Body=_BODY)["VersionId"])
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    return object_id(key, version)


def _prefix(deployment: Deployment) -> str:
    return f"{deployment.target.object_prefix}gone/"
