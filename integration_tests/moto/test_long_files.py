"""Test files that are too long for one invocation against moto: the next one continues, and any of them may crash."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import zstandard
from moto import mock_aws

from handlers.processor import intake, record_writer, walk
from handlers.processor.application import application
from handlers.processor.errors import Reject
from handlers.processor.pipeline import Pipeline
from handlers.shared import schema
from handlers.shared.object_keys import Upload
from integration_tests.moto.processor_world import PRIMARY, SECONDARY, Put, World, environment, event_record

GOOD = 20
BODY = b"".join(b'{"n":%d}\n' % number for number in range(GOOD)) + b"bad\n"
BATCH = 5
"""Records of a batch here; after one, an invocation's time has ended: four invocations write, and the fifth checks."""


class Crash(BaseException):
    """Raised to end the execution environment, as a timeout does."""


class Clock:
    """Time that ends after some batches or records; counts the calls to AWS, and crashes before one of them.

    Attributes:
        writes: How often each record was written.
        calls: Calls of all invocations.
        crash_before: Number of a call.
    """

    def __init__(self, batches: int = 1, records: int = 1000) -> None:
        self.writes: Counter[str] = Counter()
        self.calls = 0
        self.crash_before = 0
        self._batches = self._left = batches
        self._records = self._unread = records
        self._known: set[int] = set()

    def __call__(self) -> float:
        if self._left <= 0:
            return 1.0
        if self._unread > 0:
            return 300.0
        return 10.0 if self._unread > -2 else 4.9  # time to write what was read, then none to read either

    def invoke(self, world: World, region: str = PRIMARY) -> Any:  # noqa: ANN401 - an Invocation
        """Hand a batch of messages to the function."""
        world.enter(region)
        self._left, self._unread = self._batches, self._records
        pipeline = application()
        for client in (pipeline.ledger._dynamodb, pipeline.reader._s3, pipeline.own_queue._sqs):  # noqa: SLF001 - all three
            if id(client) not in self._known:
                self._known.add(id(client))
                client.meta.events.register("before-call", self._count)
                client.meta.events.register_first("before-send.dynamodb.BatchWriteItem", self._take_batch)
        return world.invoke(region, clock=self)

    def run(self, world: World, region: str = PRIMARY, *, most: int = 30) -> int:
        """Invoke the function until no message is left; return the number of invocations."""
        for number in range(most):
            if not self.invoke(world, region).received:
                return number
        raise AssertionError(f"{most} invocations do not suffice")

    def read(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a record unchanged, as a transform that takes time."""
        self._unread -= 1
        return record

    def _count(self, **_: object) -> None:
        self.calls += 1
        if self.calls == self.crash_before:
            raise Crash

    def _take_batch(self, *, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        self._count()
        self._left -= 1
        (puts,) = json.loads(request.body)["RequestItems"].values()
        self.writes.update(put["PutRequest"]["Item"]["ordinal"]["N"] for put in puts)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(record_writer, "WRITERS", 1)
    monkeypatch.setattr(record_writer, "_BATCH_ITEMS", BATCH)
    with environment(), mock_aws():
        monkeypatch.setattr(walk, "_SECONDS_BETWEEN_LOOKS", 0.0)
        yield World()


def assert_whole(world: World, put: Put, region: str = PRIMARY, *, good: int = GOOD, rejected: int = GOOD) -> None:
    """Check that everything of a file is there once, and that nothing is left to do."""
    result = world.results(region)[put.key]
    assert (result["state"], result["accepted"], result["rejected"]) == ("COMPLETED", good, 1)
    assert {ordinal for _, ordinal in world.records(region)} == set(range(good + 1)) - {rejected}
    assert {row["processing_version"] for row in world.rows(region) if row["pk"].startswith("REC#")} == {
        result["processing_version"]
    }
    archived = {key: body for key, body in world.archived(region).items() if not key.endswith(".part")}
    assert list(archived) == [f"rejected/{result['object_id']}.ndjson"]
    assert len(archived.popitem()[1].splitlines()) == 1
    own = schema.attempt_sort_key(region)
    assert [
        row["sk"] for row in world.rows(region) if row["sk"] == own and not {"state_hour", schema.CHECKPOINT} & row.keys()
    ]
    assert world.settled(region)
    assert set(world.depth(region).values()) == {0}


def checkpoint(world: World, region: str = PRIMARY) -> int:
    (row,) = (row for row in world.rows(region) if schema.CHECKPOINT in row)
    return int(row[schema.CHECKPOINT]["ordinal"])


def test_long_file_takes_five_invocations_and_each_record_one_write(world: World) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    for reached in (BATCH, 2 * BATCH, 3 * BATCH, GOOD + 1):
        invocation = clock.invoke(world)
        (received,) = invocation.received
        assert received["attributes"]["ApproximateReceiveCount"] == "1", "to continue uses up no receive"
        assert (invocation.failed, checkpoint(world)) == ([], reached)
        assert put.key not in world.results()
        assert len(world.unfinished()) == 1
    assert clock.run(world) == 1
    assert_whole(world, put)
    assert clock.writes == {str(number): 1 for number in range(GOOD)}


def test_long_file_with_many_writers_skips_no_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_writer, "WRITERS", 16)
    monkeypatch.setattr(record_writer, "_BATCH_ITEMS", 1)
    put, clock = world.put("incoming/long.ndjson", BODY), Clock(batches=4)
    assert clock.run(world) > 1
    assert_whole(world, put)


def test_crash_before_any_call_of_a_long_file_loses_and_doubles_nothing(world: World) -> None:
    good = 2 * BATCH  # one invocation begins, one continues, and one checks
    body = b"".join(BODY.splitlines(keepends=True)[-good - 1 :])
    for crash_before in count(1):
        put, clock = world.put(f"incoming/{crash_before}.ndjson", body), Clock()
        clock.crash_before = crash_before
        clock.run(world)
        assert_whole(world, put, good=good, rejected=good)
        assert max(clock.writes.values()) <= 2, "one invocation is repeated, and none before it"
        world.forget()
        if clock.calls < crash_before:
            break
    assert crash_before > 3 * 7, "a look, an attempt, the object, rejections, a batch, a checkpoint, a message: each time"


def test_message_received_twice_at_once_completes_a_long_file(world: World) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    world.announce(put)
    clock.run(world)
    assert_whole(world, put)


@pytest.mark.parametrize("invocations", [1, 2, 4])
def test_other_region_completes_a_long_file_after_a_failover(world: World, invocations: int) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    world.replicate(put)
    for _ in range(invocations):
        clock.invoke(world)
    world.replicate_table()
    world.promote(SECONDARY, 1)
    assert clock.run(world, SECONDARY) == 5, "the checkpoint is of the other region's replica"
    assert_whole(world, put, SECONDARY)
    world.replicate_table(source=SECONDARY)
    assert clock.run(world) == 1
    assert_whole(world, put)


def test_promotion_of_the_same_region_writes_every_record_again(world: World) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    clock.invoke(world)
    clock.invoke(world)
    world.promote(PRIMARY, 2)  # the other region was active in between, and may have written records of its own
    assert clock.run(world) == 5
    assert_whole(world, put)


def test_records_of_a_newer_version_replace_those_below_the_checkpoint(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    clock.invoke(world)
    clock.invoke(world)

    def without_the_third(record: dict[str, Any]) -> dict[str, Any]:
        if record["n"] == 2:
            raise Reject("no longer wanted")
        return record | {"changed": True}

    world.deploy_newer(monkeypatch, transform=without_the_third)
    clock.run(world)
    assert {ordinal for _, ordinal in world.records()} == set(range(GOOD)) - {2}
    assert all(record.get("changed") for record in world.records().values())
    result = world.results()[put.key]
    assert (result["accepted"], result["rejected"], result["processing_version"]) == (GOOD - 1, 2, "newer")


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "of another version"])
def test_record_below_the_checkpoint_that_changed_is_written_again(world: World, *, is_lost: bool) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    clock.invoke(world)
    clock.invoke(world)
    dynamodb = world.client("dynamodb", PRIMARY)
    item = next(item for item in world.items() if item["pk"]["S"].startswith("REC#"))
    table = application().settings.table_name
    if is_lost:
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    else:
        dynamodb.put_item(TableName=table, Item=item | {"processing_version": {"S": "another"}})
    invocations = [clock.invoke(world) for _ in range(3)]
    assert [len(invocation.failed) for invocation in invocations] == [0, 0, 1], "the check before RESULT finds it"
    assert put.key not in world.results()
    clock.run(world)
    assert_whole(world, put)


def test_long_file_waits_behind_the_other_messages_of_its_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock(batches=2)
    clock.invoke(world)
    short = [world.put(f"incoming/{number}.ndjson", b'{"n":1}\n') for number in range(3)]
    order: list[str] = []
    process = Pipeline.process

    def note(self: Pipeline, message: Any, deadline: Any) -> None:  # noqa: ANN401 - as of process
        order.extend(event.key for event in self._objects(message, deadline))
        process(self, message, deadline)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "process", note)
        clock.invoke(world)
    assert order[-1] == put.key
    clock.run(world)
    assert {put.key, *(one.key for one in short)} == set(world.results())


def test_reprocessing_a_long_file_continues_as_reprocessing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put, clock = world.put("incoming/long.ndjson", BODY), Clock()
    clock.run(world)
    world.deploy_newer(monkeypatch)
    world.client("sqs", PRIMARY).send_message(
        QueueUrl=world.queue_url("ingest", PRIMARY),
        MessageBody=json.dumps({"Records": [event_record(put, PRIMARY)]}),
        MessageAttributes={"reprocess": {"DataType": "Number", "StringValue": "1"}},
    )
    assert clock.run(world) == 5
    assert_whole(world, put)
    assert world.results()[put.key]["processing_version"] == "newer"


# --- a file whose reading, too, takes several invocations ------------------------------------------------------

NUMBERS = [str(number) for number in range(GOOD)]
LINES = "\n".join(['{"n":0}', "bad", *(f'{{"n":{number}}}' for number in NUMBERS[1:])]).encode()
ARRAY = b"[" + LINES.replace(b"\n", b",\n") + b"]"
TABLE = "n,m\r\n" + "".join(f'"{number}\n",2\r\n' for number in NUMBERS[:9]) + "bad\r\n" + ",2\r\n".join(NUMBERS[9:]) + ",2"
UPLOAD = Upload("billing", "0199d0a0-0000-7000-8000-000000000000", hashlib.sha256(TABLE.encode()).hexdigest(), "x.csv")
FILES = {
    "lines": ("incoming/x.ndjson", LINES, 1),
    "array": ("incoming/x.json", ARRAY, 1),
    "table": ("incoming/x.csv", TABLE.encode(), 9),
    "gzip": ("incoming/x.json.gz", gzip.compress(ARRAY), 1),
    "zstd": ("incoming/x.csv.zst", zstandard.ZstdCompressor().compress(TABLE.encode()), 9),
    "UTF-16": ("incoming/x.csv", TABLE.encode("utf-16"), 9),
    "upload": (UPLOAD.object_key, TABLE.encode(), 9),
}
"""Key, content, and ordinal of the rejected record."""


def deploy_slow(world: World, monkeypatch: pytest.MonkeyPatch, clock: Clock, region: str = PRIMARY) -> None:
    """Deploy a transform that takes a clock's time."""
    world.enter(region)
    world.deploy_newer(monkeypatch, transform=clock.read)


WAYS = {"long": (6, 10**9, 6), "large": (1000, 99, 2), "both": (6, 99, 6)}
"""Records that an invocation reads, bytes of the spool, and invocations that the file takes at least."""


@pytest.mark.parametrize(
    ("name", "way"), [*((name, "long") for name in FILES), ("gzip", "large"), ("upload", "large"), ("table", "both")]
)
def test_file_read_in_several_invocations_becomes_the_same_rows(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    (key, body, rejected), (records, spool_bytes, invocations) = FILES[name], WAYS[way]
    at_once = world.put(key, body)
    deploy_slow(world, monkeypatch, at_once_clock := Clock(batches=1000))
    at_once_clock.run(world)
    expected = lasting(world, key), world.records()
    world.forget()
    world.announce(at_once)
    clock = Clock(batches=1000, records=records)
    monkeypatch.setattr(intake, "SPOOL_BYTES", spool_bytes)
    deploy_slow(world, monkeypatch, clock)
    assert clock.run(world) in range(invocations, invocations + 3)
    assert_whole(world, at_once, rejected=rejected)
    assert (lasting(world, key), world.records()) == expected


def lasting(world: World, key: str) -> dict[str, Any]:
    """Return what RESULT states of a file, without the time."""
    return {name: value for name, value in world.results()[key].items() if name != "processed_at"}


@pytest.mark.parametrize("way", ["long", "large"])
def test_crash_before_any_call_while_reading_loses_and_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    key, body, rejected = FILES["upload"]  # a table, whose later rows need its header and dialect, with a digest to check
    records, spool_bytes, invocations = WAYS[way]
    monkeypatch.setattr(intake, "SPOOL_BYTES", spool_bytes)
    for crash_before in count(1):
        put, clock = world.put(key, body), Clock(batches=1000, records=2 * records)  # half as many invocations
        deploy_slow(world, monkeypatch, clock)
        clock.crash_before = crash_before
        clock.run(world)
        assert_whole(world, put, rejected=rejected)
        world.forget()
        if clock.calls < crash_before:
            break
    assert crash_before > invocations * 5, "a look, an attempt, the object, rejections, a checkpoint, a message: each time"


def test_digest_of_an_upload_is_checked_over_several_invocations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put, clock = world.put(UPLOAD.object_key, TABLE.replace("19", "18").encode()), Clock(batches=1000, records=6)
    deploy_slow(world, monkeypatch, clock)
    clock.run(world)
    assert world.results()[put.key]["reason"].startswith("wrong_digest: ")
    assert not world.records()


def test_other_region_archives_rejections_over_several_invocations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put, clock = world.put("incoming/x.ndjson", LINES), Clock(batches=1000, records=6)
    world.replicate(put)
    deploy_slow(world, monkeypatch, clock)
    clock.run(world)
    world.replicate_table()
    deploy_slow(world, monkeypatch, clock, SECONDARY)
    assert clock.run(world, SECONDARY) >= 3
    object_id = world.results()[put.key]["object_id"]
    assert world.archived(SECONDARY)[f"rejected/{object_id}.ndjson"] == world.archived()[f"rejected/{object_id}.ndjson"]
    assert world.settled(SECONDARY)
    assert not [row for row in world.rows(SECONDARY) if schema.CHECKPOINT in row]
