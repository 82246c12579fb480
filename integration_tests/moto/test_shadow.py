"""Test the passive region against moto: it acknowledges only proven work, and does the rest after a promotion."""

import json
import time
from collections.abc import Iterator

import pytest
from moto import mock_aws

from handlers.shared.object_keys import object_identity
from integration_tests.moto.processor_world import (
    MAXIMUM_RECEIVES,
    PRIMARY,
    SECONDARY,
    SHADOW_DELAY_SECONDS,
    SHADOW_MAXIMUM_AGE_SECONDS,
    VARIABLES,
    Invocation,
    Put,
    World,
    environment,
)

LINES = b'{"a":1}\n{"a":2}\n'


@pytest.fixture
def world() -> Iterator[World]:
    with environment(), mock_aws():
        yield World()


def replicated(world: World, key: str = "incoming/x.ndjson") -> Put:
    """Put an object in the primary, which does not process it, and replicate it to the secondary."""
    put = world.put(key, LINES)
    world.replicate(put)
    return put


def after_the_delay(world: World) -> Invocation:
    time.sleep(SHADOW_DELAY_SECONDS + 0.1)
    return world.invoke(SECONDARY)


def test_message_without_a_result_is_put_back_with_a_delay(world: World) -> None:
    replicated(world)
    assert world.invoke(SECONDARY).failed == []
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 1}
    assert world.items(SECONDARY) == []
    assert world.archived(SECONDARY) == {}


def test_message_put_back_many_times_keeps_its_age(world: World) -> None:
    replicated(world)
    sent = int(world.invoke(SECONDARY).received[0]["attributes"]["SentTimestamp"])
    for hops in range(1, 4):
        (record,) = after_the_delay(world).received
        assert record["attributes"]["ApproximateReceiveCount"] == "1"
        attributes = {name: value["stringValue"] for name, value in record["messageAttributes"].items()}
        assert attributes == {"first_seen": str(sent), "hops": str(hops)}
    assert world.dead_letters(SECONDARY) == []


def test_message_is_acknowledged_once_the_ledger_proves_it_done(world: World) -> None:
    replicated(world)
    world.invoke(SECONDARY)
    world.invoke(PRIMARY)
    world.replicate_table()
    before = world.effects(SECONDARY)
    assert after_the_delay(world).failed == []
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}
    assert world.effects(SECONDARY) == before
    assert len(world.settled(SECONDARY)) == 1


def lost_record(world: World) -> Put:
    """Replicate RESULT to the secondary with one of its two records, as a global table may do."""
    put = replicated(world)
    world.invoke(PRIMARY)
    world.replicate_table()
    record = next(item for item in world.items(SECONDARY) if item["pk"]["S"].startswith("REC#"))
    key = {name: record[name] for name in ("pk", "sk")}
    world.client("dynamodb", SECONDARY).delete_item(TableName=VARIABLES["TABLE_NAME"], Key=key)
    return put


def test_result_without_all_its_records_is_put_back(world: World) -> None:
    lost_record(world)
    world.invoke(SECONDARY)
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 1}
    assert world.settled(SECONDARY) == []


def test_promoted_region_writes_the_records_that_never_arrived(world: World) -> None:
    put = lost_record(world)
    world.promote(SECONDARY, 1)
    assert world.invoke(SECONDARY).failed == []
    assert len(world.records(SECONDARY)) == 2
    assert world.results(SECONDARY)[put.key]["region"] == PRIMARY, "the first RESULT stays"
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}


def test_records_without_a_result_prove_nothing(world: World) -> None:
    """Rows replicate one by one. RESULT is written last, and only RESULT states that all are written."""
    put = replicated(world)
    world.invoke(PRIMARY)
    world.replicate_table()
    result = world.results(SECONDARY)[put.key]
    world.client("dynamodb", SECONDARY).delete_item(
        TableName=VARIABLES["TABLE_NAME"], Key={"pk": {"S": result["pk"]}, "sk": {"S": result["sk"]}}
    )
    world.invoke(SECONDARY)
    assert world.depth(SECONDARY)["delayed"] == 1


def test_quarantine_proves_a_message_done(world: World) -> None:
    put = world.put("incoming/x.json", b"[")
    world.replicate(put)
    world.invoke(PRIMARY)
    world.replicate_table()
    world.invoke(SECONDARY)
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}
    assert world.dead_letters(SECONDARY) == []


def test_promoted_region_processes_the_same_queue(world: World) -> None:
    puts = [replicated(world, f"incoming/{number}.ndjson") for number in range(3)]
    world.invoke(SECONDARY)
    world.promote(SECONDARY, 1)
    assert after_the_delay(world).failed == []
    results = world.results(SECONDARY)
    assert set(results) == {put.key for put in puts}
    assert {(row["region"], row["epoch"], row["accepted"]) for row in results.values()} == {(SECONDARY, 1, 2)}
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}


def test_demoted_region_becomes_passive(world: World) -> None:
    world.promote(SECONDARY, 1)
    world.replicate_table(source=SECONDARY)
    world.put("incoming/x.ndjson", LINES)
    world.invoke(PRIMARY)
    assert world.depth(PRIMARY)["delayed"] == 1
    assert world.results(PRIMARY) == {}


def test_highest_epoch_wins_in_any_order(world: World) -> None:
    world.promote(SECONDARY, 1)
    world.promote(PRIMARY, 2)
    world.replicate_table(source=SECONDARY)
    world.put("incoming/x.ndjson", LINES)
    world.invoke(PRIMARY)
    (result,) = world.results(PRIMARY).values()
    assert (result["region"], result["epoch"]) == (PRIMARY, 2)


def test_overdue_message_is_a_dead_letter_with_its_reason(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    put = replicated(world)
    old = int((time.time() - SHADOW_MAXIMUM_AGE_SECONDS - 60) * 1000)
    sqs, queue_url = world.client("sqs", SECONDARY), world.queue_url("ingest", SECONDARY)
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    sqs.send_message(
        QueueUrl=queue_url,
        MessageBody=message["Body"],
        MessageAttributes={"first_seen": {"DataType": "Number", "StringValue": str(old)}},
    )
    world.invoke(SECONDARY)
    identity = object_identity("ingest", put.key, put.version_id)
    ((key, body),) = world.archived(SECONDARY).items()
    assert key == f"quarantined/{identity}.overdue.json"
    note = json.loads(body)
    assert (note["object_key"], note["version_id"]) == (put.key, put.version_id)
    measured = metrics(capsys)
    assert measured["ShadowOverdue"] == [1.0]
    assert measured["ShadowAge"][0] >= SHADOW_MAXIMUM_AGE_SECONDS
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}, (
        "the overdue message is not put back again"
    )
    (letter,) = world.dead_letters(SECONDARY)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (attributes["fault"], attributes["object_id"]) == ("overdue", identity)
    assert world.results(SECONDARY) == {}, "an overdue message does not conclude the object"


def test_promoted_region_processes_what_had_ended_as_overdue(world: World) -> None:
    put = replicated(world)
    world.client("sqs", SECONDARY).purge_queue(QueueUrl=world.queue_url("ingest", SECONDARY))
    days = 5 * 86_400
    assert world.reconcile(SECONDARY, later=days) == 1
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}, "the reconciler sends no old message"
    world.promote(SECONDARY, 1)
    world.reconcile(SECONDARY, later=days + 1000)
    world.invoke(SECONDARY)
    assert world.results(SECONDARY)[put.key]["accepted"] == 2


def test_message_that_cannot_be_put_back_is_not_acknowledged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    replicated(world)
    world.enter(SECONDARY)
    monkeypatch.setattr("handlers.processor.own_queue.OwnQueue.put_back", fail)
    for _ in range(MAXIMUM_RECEIVES - 1):
        assert len(world.invoke(SECONDARY).failed) == 1
    monkeypatch.undo()
    world.invoke(SECONDARY)
    assert world.depth(SECONDARY)["delayed"] == 1


def fail(*_: object, **__: object) -> None:
    raise ConnectionError


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """Return the last metrics that were printed, in CloudWatch's embedded metric format."""
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    measured: dict[str, list[float]] = json.loads(printed[-1])
    return measured
