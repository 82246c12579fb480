"""Test a failover and a failback: the promoted region processes its queue; each record is there once, in both regions."""

from __future__ import annotations

import pytest

from integration_tests.e2e.failover import Failover
from integration_tests.e2e.records import wrong_records
from integration_tests.e2e.waiting import wait_until
from operations.attribute_values import Wire
from operations.deployment import Deployment
from operations.queues import backlog
from operations.register import Register

pytestmark = pytest.mark.local_only

PROMISED_SECONDS = 30
"""The processing RTO: seconds from the decision until the promoted region has processed the waiting files."""


def test_promoted_region_processes_the_waiting_files(promoted: Failover) -> None:
    for one in promoted.stranded:
        row = one.result(promoted.secondary)
        assert row["state"]["S"] == one.sample.state
        assert _author(row) == (promoted.secondary, promoted.epochs[promoted.secondary])
    assert promoted.seconds is not None
    assert promoted.seconds <= PROMISED_SECONDS


def test_queue_of_the_promoted_region_is_empty(promoted: Failover, deployment: Deployment) -> None:
    def drained() -> bool:
        return not any(backlog(deployment, promoted.secondary, "IngestQueueUrl").values())

    assert wait_until(deployment.target, drained), backlog(deployment, promoted.secondary, "IngestQueueUrl")


def test_every_record_is_once_in_the_promoted_region(promoted: Failover, deployment: Deployment) -> None:
    for one in promoted.stranded:
        assert wrong_records(deployment, promoted.secondary, one) == [], one.name


def test_old_primary_receives_the_results_and_adds_none(healed: Failover, deployment: Deployment) -> None:
    def replicated_and_acknowledged() -> bool:
        s3, bucket = deployment.client("s3", healed.primary), deployment.ingest_bucket(healed.primary)
        keys = [one.key for one in healed.stranded]
        there = all(s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions") for key in keys)
        return there and not any(backlog(deployment, healed.primary, "IngestQueueUrl").values())

    assert wait_until(deployment.target, replicated_and_acknowledged)
    for one in healed.stranded:
        assert one.result(healed.primary) == one.result(healed.secondary), one.name
        assert wrong_records(deployment, healed.primary, one) == [], one.name
        assert _author(one.result(healed.primary))[0] == healed.secondary, one.name


def test_after_failback_the_primary_processes_uploads_to_both_regions(failed_back: Failover, deployment: Deployment) -> None:
    for region, one in failed_back.afterwards.items():
        for replica in deployment.target.regions:
            row = one.result(replica)
            expected = failed_back.primary, failed_back.epochs[failed_back.primary]
            assert _author(row) == expected, f"uploaded to {region}"
            assert wrong_records(deployment, replica, one) == [], f"uploaded to {region}, read in {replica}"


def test_after_failback_both_regions_agree_on_the_active_one(failed_back: Failover, deployment: Deployment) -> None:
    expected = failed_back.epochs
    assert expected[failed_back.primary] > expected[failed_back.secondary]
    for region in deployment.target.regions:
        register = Register(deployment.target, region)
        assert wait_until(deployment.target, lambda held=register: held.claims() == expected), register.claims()  # type: ignore[misc]


def _author(row: dict[str, Wire]) -> tuple[str, int]:
    """Return the region that wrote a RESULT, and its epoch at that time."""
    return row["region"]["S"], int(row["epoch"]["N"])
