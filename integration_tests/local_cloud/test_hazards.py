"""What AWS does on any day without a fault: late, out of order, twice, in part. And a region that does not come back."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, deploy, impatient, until
from integration_tests.local_cloud.test_replication import Site, site
from integration_tests.local_cloud.test_tables import global_table, replica
from local_cloud import LocalCloud, LocalCloudError
from local_cloud.hazards import HAZARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["site"]


def numbers(site: Site, prefix: str) -> list[int]:
    """Return the numbers of the western items whose key starts with a prefix."""
    items = site.cloud.client("dynamodb", WEST).scan(TableName=site.table, ConsistentRead=True)["Items"]
    return sorted(int(item["pk"]["S"].removeprefix(prefix)) for item in items if item["pk"]["S"].startswith(prefix))


def arrivals(cloud: LocalCloud, table: str) -> list[str]:
    """Return the partition keys of a table's replica in the west, in the order in which they arrived."""
    streams = cloud.client("dynamodbstreams", WEST)
    arn = cloud.client("dynamodb", WEST).describe_table(TableName=table)["Table"]["LatestStreamArn"]
    found: list[str] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        records = streams.get_records(ShardIterator=iterator)["Records"]
        found += [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]
    return found


def test_items_replicate_in_another_order_than_they_were_written(disturbed: LocalCloud) -> None:
    disturbed.set_hazard("replication-tail", 1)
    table = deploy(disturbed, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)["Table"]
    written = [f"{number:02}" for number in range(40)]
    for pk in written:
        disturbed.client("dynamodb", EAST).put_item(TableName=table, Item={"pk": {"S": pk}})
    assert until(lambda: sorted(arrivals(disturbed, table)) == written)
    assert arrivals(disturbed, table) != written


def test_items_of_one_transaction_replicate_one_by_one(disturbed: LocalCloud, site: Site) -> None:
    disturbed.set_hazard("replication-tail", 4)
    puts = [
        {"Put": {"TableName": site.table, "Item": {"pk": {"S": f"torn/{number}"}, "value": {"S": "x"}}}}
        for number in range(20)
    ]
    disturbed.client("dynamodb", EAST).transact_write_items(TransactItems=puts)
    assert until(lambda: 0 < len(numbers(site, "torn/")) < 20)
    assert until(lambda: len(numbers(site, "torn/")) == 20, seconds=40)


def test_writes_of_one_item_replicate_in_their_order(disturbed: LocalCloud, site: Site) -> None:
    disturbed.set_hazard("replication-tail", 1)
    versions = [site.put_object(EAST, "ordered", str(number).encode()) for number in range(10)]
    for number in range(10):
        site.put_item(EAST, "ordered", str(number))
    values: list[int] = []

    def last_there() -> bool:
        values.append(int(site.item(WEST, "ordered") or -1))
        return values[-1] == 9

    assert until(last_there, seconds=60)
    assert values == sorted(values)
    assert until(lambda: len(site.history(WEST, "ordered")) == 10, seconds=60)
    listed = disturbed.client("s3", WEST).list_object_versions(Bucket=site.buckets[WEST], Prefix="ordered")["Versions"]
    assert [version["VersionId"] for version in reversed(listed)] == versions


def test_a_restored_link_brings_items_one_by_one(disturbed: LocalCloud, site: Site) -> None:
    disturbed.set_hazard("replication-tail", 4)
    disturbed.partition(cut=True)
    for number in range(20):
        site.put_item(EAST, f"held/{number}", "x")
    disturbed.partition(cut=False)
    assert until(lambda: 0 < len(numbers(site, "held/")) < 20)
    assert until(lambda: len(numbers(site, "held/")) == 20, seconds=40)


def test_unknown_hazard_and_strength_are_refused(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match="There is no hazard 'luck'; there are: replication-tail"):
        cloud.set_hazard("luck", 1)
    with pytest.raises(LocalCloudError, match="The strength of replication-tail must be from 0 to 100"):
        cloud.set_hazard("replication-tail", -1)


def test_cloud_has_all_hazards_and_a_printed_seed_by_default() -> None:
    variables = {**os.environ, "LOCAL_CLOUD_SEED": "7"}
    command = [sys.executable, "-m", "local_cloud", "--port", "0"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("seed 7" in line for line in lines)
        process.terminate()
        process.communicate(timeout=20)
    with LocalCloud.start(seed=8) as cloud:
        health = cloud.health()
    assert health["seed"] == 8
    assert health["hazards"] == {name: hazard.strength for name, hazard in HAZARDS.items()}
    assert all(health["hazards"].values())


@pytest.fixture
def doomed() -> Iterator[LocalCloud]:
    """A cloud of its own, since a destroyed region does not come back."""
    with LocalCloud.start(calm=True) as running:
        yield running


def test_destroyed_region_loses_what_had_not_left_it(doomed: LocalCloud) -> None:
    table = deploy(doomed, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)["Table"]
    east, west = (doomed.client("dynamodb", region) for region in (EAST, WEST))

    def put(client: Any, pk: str) -> None:  # noqa: ANN401 - a boto3 client
        client.put_item(TableName=table, Item={"pk": {"S": pk}})

    def holds(pk: str) -> bool:
        return "Item" in west.get_item(TableName=table, Key={"pk": {"S": pk}}, ConsistentRead=True)

    put(east, "left")
    assert until(lambda: holds("left"))
    doomed.partition(cut=True)
    put(east, "held")
    doomed.partition(cut=False)
    doomed.set_replication_lag(0.5)
    put(east, "travelling")
    put(west, "survivor")
    doomed.region_destroy(EAST)
    assert doomed.health()["regions_destroyed"] == [EAST]
    # What was on its way into the region waits for ever, as on AWS; what was on its way out is gone.
    assert doomed.health()["replication_waiting"] == 1
    assert not until(lambda: holds("travelling"), seconds=1.5)
    assert holds("survivor")
    with pytest.raises(ClientError, match="503"):
        impatient(doomed, "dynamodb", EAST).describe_table(TableName=table)
    with pytest.raises(LocalCloudError, match=f"{EAST} is destroyed and does not come back"):
        doomed.region_up(EAST)
