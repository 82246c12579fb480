"""Test every file of the corpus in both regions: counts, records, replicas, archive."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from integration_tests.e2e.corpus import all_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.pushing import Pushed
from integration_tests.e2e.records import require_expectation, wrong_records
from integration_tests.e2e.waiting import wait_until
from operations.dead_letters import DeadLetter
from operations.deployment import Deployment
from operations.queues import backlog
from operations.target import Target

SAMPLES = all_samples()
_PROVENANCE = ("region", "epoch", "processed_at", "version_id")

each_file = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
each_readable_file = pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if not one.quarantined], ids=lambda sample: sample.name
)
each_rejecting_file = pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.rejections], ids=lambda sample: sample.name
)
each_unreadable_file = pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if one.quarantined], ids=lambda sample: sample.name
)


@each_file
def test_result_names_the_object(sample: Sample, corpus: dict[str, Pushed], target: Target) -> None:
    pushed = corpus[sample.name]
    for region in target.regions:
        row = pushed.result(region)
        found = {
            "state": row["state"].get("S"),
            "object_key": row["object_key"].get("S"),
            "file_key": row["file_key"].get("S"),
            "version_id": row["version_id"].get("S"),
            "size": int(row["size"]["N"]),
        }
        assert found == {
            "state": sample.state,
            "object_key": pushed.key,
            "file_key": pushed.key.removeprefix("incoming/"),
            "version_id": pushed.version_id,
            "size": len(sample.body),
        }


@each_readable_file
def test_accepted_and_rejected_records_add_up_to_the_file(sample: Sample, corpus: dict[str, Pushed], target: Target) -> None:
    require_expectation()
    for region in target.regions:
        row = corpus[sample.name].result(region)
        found = {name: int(row[name]["N"]) for name in ("records", "accepted", "rejected")}
        assert found == {
            "records": sample.records,
            "accepted": len(sample.accepted),
            "rejected": sample.rejections,
        }
        assert (row["format"]["S"], row["compression"]["S"]) == (sample.format, sample.compression)


@each_file
def test_every_value_is_in_both_regions_with_its_type(
    sample: Sample, corpus: dict[str, Pushed], deployment: Deployment
) -> None:
    for region in deployment.target.regions:
        assert wrong_records(deployment, region, corpus[sample.name]) == [], f"{sample.name} in {region}"


@each_file
def test_result_is_the_same_in_both_regions(sample: Sample, corpus: dict[str, Pushed], target: Target) -> None:
    rows = [corpus[sample.name].result(region) for region in target.regions]
    primary, secondary = ({name: v for name, v in row.items() if not name.startswith("aws:")} for row in rows)
    assert primary == secondary
    assert primary["region"] == {"S": target.primary}, "the primary is active, so it must process the file"
    assert all(name in primary for name in _PROVENANCE)


@each_file
def test_object_is_replicated_with_its_version_id(sample: Sample, corpus: dict[str, Pushed], deployment: Deployment) -> None:
    pushed, target = corpus[sample.name], deployment.target
    where = {"Bucket": deployment.ingest_bucket(target.secondary), "Key": pushed.key, "VersionId": pushed.version_id}
    s3 = deployment.client("s3", target.secondary)

    def replicated() -> bool:
        found = s3.list_object_versions(Bucket=where["Bucket"], Prefix=pushed.key).get("Versions", [])
        return any(one["VersionId"] == pushed.version_id for one in found)

    assert wait_until(target, replicated), f"{pushed.key} version {pushed.version_id} is not in {where['Bucket']}"
    replica = s3.get_object(**where)
    assert replica["ReplicationStatus"] == "REPLICA"
    assert hashlib.sha256(replica["Body"].read()).digest() == hashlib.sha256(sample.body).digest()
    assert replica["ServerSideEncryption"] == "aws:kms"
    assert f":{target.secondary}:" in replica["SSEKMSKeyId"], "a replica must be encrypted with a key of its own region"


@each_rejecting_file
def test_archive_holds_line_and_reason_of_each_rejected_record(
    sample: Sample, corpus: dict[str, Pushed], deployment: Deployment
) -> None:
    require_expectation()
    primary = deployment.target.primary
    key = f"rejected/{corpus[sample.name].object_id}.ndjson"
    body = _archived(deployment, primary, key)
    entries: list[dict[str, Any]] = [json.loads(line) for line in body.decode().splitlines()]
    lines = {entry["ordinal"]: entry["line"] for entry in entries}
    assert {ordinal: line for ordinal, line in lines.items() if ordinal not in sample.refused} == sample.rejected
    assert sample.refused <= lines.keys()
    assert all(entry["reason"] and "excerpt" in entry for entry in entries), entries


@each_unreadable_file
def test_unreadable_file_is_archived_with_its_reason(
    sample: Sample, corpus: dict[str, Pushed], deployment: Deployment
) -> None:
    pushed, primary = corpus[sample.name], deployment.target.primary
    assert pushed.result(primary)["reason"]["S"]
    note = json.loads(_archived(deployment, primary, f"quarantined/{pushed.object_id}.json"))
    assert note["reason"] == pushed.result(primary)["reason"]["S"]
    assert (note["object_key"], note["version_id"]) == (pushed.key, pushed.version_id)
    assert _archived(deployment, primary, f"quarantined/{pushed.object_id}/object") == sample.body


def test_shadow_consumer_acknowledges_every_message(corpus: dict[str, Pushed], deployment: Deployment) -> None:
    assert corpus
    target = deployment.target
    for region in target.regions:

        def drained(region: str = region) -> bool:
            return not any(backlog(deployment, region, "IngestQueueUrl").values())

        assert wait_until(target, drained), f"{region}: {backlog(deployment, region, 'IngestQueueUrl')}"


def test_only_quarantined_objects_are_dead_letters(
    corpus: dict[str, Pushed], letters: dict[str, list[DeadLetter]], target: Target
) -> None:
    quarantined = sorted(one.key for one in corpus.values() if one.sample.quarantined)
    assert sorted({key for letter in letters[target.primary] for key in letter.keys}) == quarantined
    assert letters[target.secondary] == [], "the passive region processes nothing, so it has no dead letters"


def test_no_function_failed_when_called_asynchronously(corpus: dict[str, Pushed], deployment: Deployment) -> None:
    assert corpus
    held = {region: backlog(deployment, region, "AsyncDeadLetterQueueUrl") for region in deployment.target.regions}
    assert not any(count for counts in held.values() for count in counts.values()), held


def _archived(deployment: Deployment, region: str, key: str) -> bytes:
    answer = deployment.client("s3", region).get_object(Bucket=deployment.archive_bucket(region), Key=key)
    body: bytes = answer["Body"].read()
    return body
