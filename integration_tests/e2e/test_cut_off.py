"""Test uploads to the passive region while it is cut off: accepted, kept and not processed."""

from __future__ import annotations

import pytest

from integration_tests.e2e.failover import Failover
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger
from operations.queues import backlog

pytestmark = pytest.mark.local_only


def test_messages_of_a_cut_off_passive_region_wait_in_its_queue(stranded: Failover, deployment: Deployment) -> None:
    assert stranded.stranded
    held: dict[str, int] = {}
    unsettled: list[str] = []

    def all_wait() -> bool:
        # A message that was put back and is not deleted yet counts twice.
        held.update(backlog(deployment, stranded.secondary, "IngestQueueUrl"))
        unsettled[:] = stranded.unsettled()
        return sum(held.values()) == held["ApproximateNumberOfMessagesDelayed"] == len(unsettled)

    assert wait_until(deployment.target, all_wait), f"queue: {held}; expected: one delayed message for each of {unsettled}"
    assert {one.object_id for one in stranded.stranded} <= set(unsettled)


def test_upload_to_a_cut_off_passive_region_is_stored_there_only(stranded: Failover, deployment: Deployment) -> None:
    for one in stranded.stranded:
        where = {"Key": one.key, "VersionId": one.version_id}
        head = deployment.client("s3", stranded.secondary).head_object(
            Bucket=deployment.ingest_bucket(stranded.secondary), **where
        )
        assert (head["ContentLength"], head["ReplicationStatus"]) == (len(one.sample.body), "PENDING")
        found = deployment.client("s3", stranded.primary).list_object_versions(
            Bucket=deployment.ingest_bucket(stranded.primary), Prefix=one.key
        )
        assert not found.get("Versions"), f"{one.key} crossed a cut link"


def test_cut_off_passive_region_processes_nothing(stranded: Failover, deployment: Deployment) -> None:
    for region in deployment.target.regions:
        ledger = Ledger(deployment, region)
        assert ledger.results(one.object_id for one in stranded.stranded) == {}
        assert [ledger.records(one.object_id, one.sample.records) for one in stranded.stranded] == [{}] * len(
            stranded.stranded
        )
