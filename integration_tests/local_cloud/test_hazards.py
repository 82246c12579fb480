"""Test the hazards, which need no fault (late, reordered, repeated and partial results), and a destroyed region."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, deploy, impatient, role, until
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


def test_restored_link_brings_items_one_by_one(disturbed: LocalCloud, site: Site) -> None:
    disturbed.set_hazard("replication-tail", 4)
    disturbed.partition(cut=True)
    for number in range(20):
        site.put_item(EAST, f"held/{number}", "x")
    disturbed.partition(cut=False)
    assert until(lambda: 0 < len(numbers(site, "held/")) < 20)
    assert until(lambda: len(numbers(site, "held/")) == 20, seconds=40)


def received(stack: Stack) -> list[str]:
    """Receive and delete ten messages of a stack's queue, and return their bodies."""
    sqs, url = stack.client("sqs"), stack["Queue"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [str(message["Body"]) for message in messages]


def announced(stack: Stack) -> list[str]:
    """Return the keys of the events in a stack's queue."""
    records = [record for body in received(stack) for record in json.loads(body).get("Records", [])]
    return [str(record["s3"]["object"]["key"]) for record in records]


def test_event_of_s3_may_come_twice(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {"Queue": cfn.resource("SQS::Queue"), **cfn.notifying()})
    disturbed.set_hazard("event-duplicates", 1)
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="twice", Body=b"x")
    found: list[str] = []
    assert collected(stack, found, 2)
    assert found == ["twice", "twice"]


def collected(stack: Stack, found: list[str], count: int) -> bool:
    """Collect keys of events until there are enough."""

    def enough() -> bool:
        found.extend(announced(stack))
        return len(found) >= count

    return until(enough)


def test_events_of_s3_come_in_another_order(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {"Queue": cfn.resource("SQS::Queue"), **cfn.notifying()})
    disturbed.set_hazard("event-delays", 4)
    keys = [f"{number:02}" for number in range(20)]
    for key in keys:
        stack.client("s3").put_object(Bucket=stack["Bucket"], Key=key, Body=b"x")
    found: list[str] = []
    assert collected(stack, found, 20)
    assert sorted(found) == keys
    assert found != keys


def test_deleted_message_may_come_again_from_a_standard_queue_only(disturbed: LocalCloud) -> None:
    fifo = {"FifoQueue": True, "QueueName": f"{uuid.uuid4().hex[:8]}.fifo", "ContentBasedDeduplication": True}
    disturbed.set_hazard("message-order", 1)
    for properties, extra, expected in (({}, {}, 2), (fifo, {"MessageGroupId": "one"}, 1)):
        stack = deploy(disturbed, {"Queue": cfn.resource("SQS::Queue", **properties)})
        stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody="again", **extra)
        disturbed.set_hazard("message-duplicates", 1)
        found = received(stack)
        disturbed.set_hazard("message-duplicates", 0)
        # The copy is there within five seconds.
        again = until(partial(received, stack), seconds=6)
        assert found + again == ["again"] * expected


def test_standard_queue_hands_messages_out_in_another_order(disturbed: LocalCloud) -> None:
    disturbed.set_hazard("message-order", 1)
    stack = deploy(disturbed, {"Queue": cfn.resource("SQS::Queue")})
    for number in range(10):
        stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody=str(number))
    found = received(stack)
    assert sorted(found) == [str(number) for number in range(10)]
    assert found != sorted(found)


def test_index_shows_writes_after_its_table(disturbed: LocalCloud) -> None:
    index = {
        "IndexName": "by-state",
        "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "state")]
    table = {"AttributeDefinitions": attributes, "GlobalSecondaryIndexes": [index]}
    stack = deploy(disturbed, {"Table": global_table(replica(WEST), **table)}, region=WEST)
    dynamodb, name = stack.client("dynamodb"), stack["Table"]

    def states(state: str) -> list[str]:
        values = {":state": {"S": state}}
        condition = {"KeyConditionExpression": "#s = :state", "ExpressionAttributeNames": {"#s": "state"}}
        items = dynamodb.query(TableName=name, IndexName="by-state", ExpressionAttributeValues=values, **condition)["Items"]
        return sorted(item["pk"]["S"] for item in items)

    def put(pk: str, state: str) -> None:
        dynamodb.put_item(TableName=name, Item={"pk": {"S": pk}, "state": {"S": state}})

    put("a", "open")
    assert states("open") == ["a"]
    # Each write comes after 1.2 to 2 s.
    disturbed.set_hazard("index-lag", 100)
    put("a", "closed")
    put("b", "open")
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "c"}})
    assert (states("open"), states("closed")) == (["a"], [])
    assert dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}})["Item"]["state"] == {"S": "closed"}
    assert until(lambda: (states("open"), states("closed")) == (["b"], ["a"]), seconds=20)
    assert dynamodb.scan(TableName=name)["Count"] == 3


def test_clock_of_the_region_decides_the_last_writer(doomed: LocalCloud) -> None:
    table = deploy(doomed, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)["Table"]
    east, west = (doomed.client("dynamodb", region) for region in (EAST, WEST))

    def value(client: Any, pk: str) -> str | None:  # noqa: ANN401 - a boto3 client
        found = client.get_item(TableName=table, Key={"pk": {"S": pk}}, ConsistentRead=True)
        return str(found["Item"]["by"]["S"]) if "Item" in found else None

    def write(client: Any, pk: str, by: str) -> None:  # noqa: ANN401 - a boto3 client
        client.put_item(TableName=table, Item={"pk": {"S": pk}, "by": {"S": by}})

    def has(client: Any, by: str) -> bool:  # noqa: ANN401 - a boto3 client
        return value(client, "c") == by

    doomed.set_hazard("clock-skew", 60)
    doomed.partition(cut=True)
    # Whichever region is ahead, in one of the two cases the one that writes first is.
    for pk, first, second in (("a", east, west), ("b", west, east)):
        write(first, pk, "first")
        write(second, pk, "second")
    doomed.partition(cut=False)
    assert until(lambda: all(value(east, pk) == value(west, pk) is not None for pk in "ab"))
    assert sorted(str(value(east, pk)) for pk in "ab") == ["first", "second"]
    # What a region has seen, its next write is later than, however its clock goes.
    for first, second in ((east, west), (west, east)):
        write(first, "c", "first")
        assert until(partial(has, second, "first"))
        write(second, "c", "second")
        assert until(partial(has, first, "second"))


@pytest.fixture(scope="module")
def writer(cloud: LocalCloud) -> tuple[Any, str]:
    """A client of DynamoDB that acts as a role, as functions do, and a table."""
    writing = role(cloud.account, allow("dynamodb:*"))
    stack = deploy(cloud, {"Role": writing, "Table": global_table(replica(WEST))}, region=WEST)
    client = stack.assume("Role", "dynamodb", config=Config(proxies={}, retries={"total_max_attempts": 1}))
    return client, stack["Table"]


def puts(table: str, *pks: str) -> dict[str, Any]:
    """Return the items of a BatchWriteItem."""
    return {table: [{"PutRequest": {"Item": {"pk": {"S": pk}}}} for pk in pks]}


def test_batch_may_be_processed_in_part(disturbed: LocalCloud, writer: tuple[Any, str]) -> None:
    client, table = writer
    disturbed.set_hazard("partial-batches", 1)
    pks = [f"part/{number:02}" for number in range(20)]
    answer = client.batch_write_item(RequestItems=puts(table, *pks))
    left = [item["PutRequest"]["Item"]["pk"]["S"] for item in answer["UnprocessedItems"][table]]
    items = disturbed.client("dynamodb", WEST).scan(TableName=table)["Items"]
    written = [item["pk"]["S"] for item in items if item["pk"]["S"].startswith("part/")]
    assert sorted(written + left) == pks
    assert 0 < len(left) < 20
    disturbed.set_hazard("partial-batches", 0)
    assert client.batch_write_item(RequestItems=answer["UnprocessedItems"])["UnprocessedItems"] == {}
    disturbed.set_hazard("partial-batches", 1)
    keys = {table: {"Keys": [{"pk": {"S": pk}} for pk in pks], "ConsistentRead": True}}
    got = client.batch_get_item(RequestItems=keys)
    unread = got["UnprocessedKeys"][table]
    assert unread["ConsistentRead"] is True
    assert len(got["Responses"][table]) + len(unread["Keys"]) == 20


def test_throttled_batch_is_refused_where_nothing_is_processed(disturbed: LocalCloud, writer: tuple[Any, str]) -> None:
    client, table = writer
    disturbed.set_throttle(WEST, 1)
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.batch_write_item(RequestItems=puts(table, "a", "b"))
    disturbed.set_throttle(WEST, 0.5)
    answers = [client.batch_write_item(RequestItems=puts(table, *(f"{n}/{i}" for i in range(25)))) for n in range(2)]
    assert all(0 < len(answer["UnprocessedItems"][table]) < 25 for answer in answers)


def test_hot_partition_throttles_its_own_key_only(disturbed: LocalCloud, writer: tuple[Any, str]) -> None:
    client, table = writer
    # One unit a second.
    disturbed.set_hazard("hot-partitions", 1000)

    def is_throttled() -> bool:
        try:
            client.put_item(TableName=table, Item={"pk": {"S": "hot"}})
        except ClientError as error:
            return error.response["Error"]["Code"] == "ThrottlingException"
        return False

    assert until(is_throttled)
    client.put_item(TableName=table, Item={"pk": {"S": f"cold/{uuid.uuid4().hex}"}})
    assert until(lambda: not is_throttled())


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


def test_slow_cloud_has_every_delay_at_its_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_CLOUD_SLOW", "longest")
    with pytest.raises(LocalCloudError, match=r"LOCAL_CLOUD_SLOW must be 1 \(every delay at its longest\) or 0"):
        LocalCloud.start()
    monkeypatch.setenv("LOCAL_CLOUD_SLOW", "1")
    with LocalCloud.start(calm=False) as cloud:
        strengths = cloud.health()["hazards"]
    changed = {name for name, hazard in HAZARDS.items() if strengths[name] != hazard.strength}
    assert changed == {"replication-tail", "index-lag", "event-delays"}
    assert all(strengths[name] == HAZARDS[name].most for name in changed)


@pytest.fixture
def doomed() -> Iterator[LocalCloud]:
    """A separate cloud, because a destroyed region does not come back."""
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
