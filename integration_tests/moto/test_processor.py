"""Test the processor against moto: from S3 through event and handler to the table, and every interruption of it."""

import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import zstandard
from botocore.exceptions import ClientError
from moto import mock_aws

from handlers.processor.application import application
from handlers.processor.archive import Archive
from handlers.processor.batch_requests import Batch, BatchRequests
from handlers.processor.errors import Reject
from handlers.processor.store import Ledger
from handlers.shared import schema
from handlers.shared.attribute_values import canonical_number, canonical_text
from handlers.shared.effect import EffectDigest
from handlers.shared.object_keys import Upload, object_identity
from integration_tests.moto.processor_world import (
    MAXIMUM_RECEIVES,
    PRIMARY,
    SECONDARY,
    TABLE,
    Put,
    World,
    environment,
    event_record,
)

LINES = b'{"a":1}\n{"a":\xff}\n{"a":{"b":[1.50,1e2,null]}}\n'
"""Two good records, and a bad one on line 2."""
UPLOAD_ID = "0199d0a0-0000-7000-8000-000000000000"


@pytest.fixture
def world() -> Iterator[World]:
    with environment(), mock_aws():
        yield World()


def lines(count: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % number for number in range(count))


# --- what lands -------------------------------------------------------------------------------------------------


def test_file_becomes_records_and_a_result(world: World) -> None:
    put = world.put("incoming/a folder/räksmörgås+1.ndjson", LINES)
    assert world.invoke().failed == []
    result = world.results()[put.key]
    expected = {
        "state": "COMPLETED",
        "format": "ndjson",
        "compression": "none",
        "accepted": 2,
        "rejected": 1,
        "records": 3,
        "size": len(LINES),
    }
    assert {name: result[name] for name in expected} == expected
    assert (result["version_id"], result["region"], result["epoch"]) == (put.version_id, PRIMARY, 0)
    assert result["file_key"] == "a folder/räksmörgås+1.ndjson"
    object_id = result["object_id"]
    assert world.records() == {
        (object_id, 0): {"a": Decimal(1)},
        (object_id, 2): {"a": {"b": [Decimal("1.5"), Decimal(100), None]}},
    }
    assert world.unfinished() == []
    assert world.depth() == {"visible": 0, "in flight": 0, "delayed": 0}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize(
    ("content", "kind"), [(b'[{"a":"1"},{"a":"2"}]', "json"), (b"a,b\n1,2\n3,4\n", "csv"), (b"a\tb\n1\t2\n3\t4\n", "tsv")]
)
def test_file_of_any_format_and_compression_is_stored(world: World, content: bytes, kind: str, compress: Any) -> None:  # noqa: ANN401
    put = world.put("incoming/whatever", compress(content))
    world.invoke()
    result = world.results()[put.key]
    assert (result["format"], result["accepted"], len(world.records())) == (kind, 2, 2)


def test_effect_digest_can_be_computed_from_the_table(world: World) -> None:
    put = world.put("incoming/numbers.ndjson", b'{"n":[1,100,1e2,1.50,-0.0,1e-7,1e60,123456789e30]}\n' + lines(40))
    world.invoke()
    digest = EffectDigest()
    for item in world.items():
        if item["pk"]["S"].startswith("REC#"):
            digest.add(item["pk"]["S"], item["sk"]["S"], canonical_text(canonical(item["record"])).encode())
    assert digest.hexdigest() == world.results()[put.key]["effect_digest"]


def canonical(attribute: Any) -> Any:  # noqa: ANN401 - an attribute value
    """Write numbers in one way, whatever way the table answers them."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return {"N": canonical_number(Decimal(f"{Decimal(value):f}"))}
    if kind == "L":
        return {"L": [canonical(one) for one in value]}
    return {"M": {name: canonical(one) for name, one in value.items()}} if kind == "M" else attribute


def test_rejected_records_are_archived_with_line_reason_and_excerpt(world: World) -> None:
    put = world.put("incoming/x.ndjson", b"\n" + LINES)
    world.invoke()
    object_id = world.results()[put.key]["object_id"]
    (entry,) = (json.loads(line) for line in world.archived()[f"rejected/{object_id}.ndjson"].splitlines())
    assert (entry["line"], entry["ordinal"], entry["excerpt"]) == (3, 1, '{"a":\\xff}')
    assert "0xFF" in entry["reason"]


def test_upload_through_the_issuer_is_identified_by_its_key(world: World) -> None:
    upload = Upload("billing", UPLOAD_ID, hashlib.sha256(LINES).hexdigest(), "reports/x.ndjson")
    world.put(upload.object_key, LINES)
    world.invoke()
    result = world.results()[upload.object_key]
    assert (result["object_id"], result["source"], result["file_key"]) == (upload.object_id, "billing", "reports/x.ndjson")
    assert result["received_at"].startswith("2025-10-11")  # when the upload id was made, not when the object came


def test_upload_of_other_bytes_is_quarantined_without_records(world: World) -> None:
    upload = Upload("billing", UPLOAD_ID, hashlib.sha256(b"others").hexdigest(), "x.ndjson")
    world.put(upload.object_key, LINES)
    world.invoke()
    assert world.results()[upload.object_key]["reason"].startswith("wrong_digest: ")
    assert world.records() == {}


def test_folder_made_in_the_console_has_no_records(world: World) -> None:
    world.put("incoming/", b"")
    assert world.invoke().failed == []
    assert world.results()["incoming/"]["format"] == "empty"


# --- once -------------------------------------------------------------------------------------------------------


def test_message_delivered_again_changes_nothing(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.invoke()
    before, archived = world.items(), world.archived()
    world.announce(put)
    world.announce(put)
    assert world.invoke().failed == []
    assert (world.items(), world.archived()) == (before, archived)


def test_event_of_a_replica_changes_nothing(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.invoke()
    world.replicate_table()
    world.replicate(put)
    world.promote(SECONDARY, 1)
    before = world.effects(SECONDARY)
    assert world.invoke(SECONDARY).failed == []
    assert world.effects(SECONDARY) == before
    assert world.depth(SECONDARY) == {"visible": 0, "in flight": 0, "delayed": 0}


def test_both_regions_at_once_write_the_same(world: World) -> None:
    """As in a partition, each region believes that it is active, and neither sees the other's rows."""
    put = world.put("incoming/x.ndjson", LINES)
    world.replicate(put)
    world.promote(SECONDARY, 1)
    world.invoke(PRIMARY)
    world.invoke(SECONDARY)
    assert world.records(PRIMARY) == world.records(SECONDARY) != {}
    provenance = ("region", "epoch", "processed_at", "received_at", "file_order", "state_hour", "state_order")
    results = [world.results(region)[put.key] for region in (PRIMARY, SECONDARY)]
    primary, secondary = ({name: v for name, v in row.items() if name not in provenance} for row in results)
    assert primary == secondary


def test_another_version_of_a_key_is_another_object(world: World) -> None:
    world.put("incoming/x.ndjson", LINES)
    world.put("incoming/x.ndjson", LINES)
    world.invoke()
    assert len(world.records()) == 4


# --- what cannot be read ----------------------------------------------------------------------------------------


def test_unreadable_object_is_quarantined_with_its_properties(world: World) -> None:
    body = gzip.compress(lines(100))[:-10]
    put = world.put("incoming/cut.ndjson.gz", body)
    assert world.invoke().failed == [], "a permanent failure is not retried"
    result = world.results()[put.key]
    assert (result["state"], result["accepted"], result["rejected"]) == ("QUARANTINED", 0, 0)
    assert result["reason"].startswith("bad_compression: ")
    assert world.records() == {}
    archived = world.archived()
    note = json.loads(archived[f"quarantined/{result['object_id']}.json"])
    assert (note["reason"], note["object_key"], note["version_id"]) == (result["reason"], put.key, put.version_id)
    assert archived[f"quarantined/{result['object_id']}/object"] == body
    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"])["Records"][0]["s3"]["object"]["versionId"] == put.version_id
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["fault"] == "bad_compression"
    assert attributes["object_id"] == result["object_id"]


def test_set_format_decides_how_a_file_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.enter(PRIMARY)
    settings = replace(application().settings, formats="bank/=csv semicolon iso-2022-jp")
    world.deploy_newer(monkeypatch, settings=settings)
    body = "名;額,残\n田中;1\n".encode("iso-2022-jp")
    put, other = world.put("incoming/bank/1.csv", body), world.put("incoming/1.csv", body)
    world.invoke()
    assert world.results()[put.key]["accepted"] == 1
    assert world.results()[other.key]["reason"].startswith("bad_encoding: ")
    (row,) = world.records().values()
    assert (row["名"], row["額,残"]) == ("田中", "1")


@pytest.mark.parametrize(
    ("body", "fault"), [(b"x" * 1_000_001, "too_large"), (gzip.compress(b"a,b\n" * 600_000), "expands_too_far")]
)
def test_object_over_a_limit_is_quarantined(world: World, body: bytes, fault: str) -> None:
    put = world.put("incoming/much.csv", body)
    world.invoke()
    assert world.results()[put.key]["reason"].startswith(f"{fault}: ")
    assert world.records() == {}


def test_object_that_was_deleted_is_gone_and_no_dead_letter(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.client("s3", PRIMARY).delete_object(
        Bucket=event_record(put, PRIMARY)["s3"]["bucket"]["name"], Key=put.key, VersionId=put.version_id
    )
    assert world.invoke().failed == []
    assert world.results() == {}
    (attempt,) = (row for row in world.rows() if row["sk"] == f"ATTEMPT#{PRIMARY}")
    assert attempt["gone"].startswith("gone: ")
    assert attempt["state_hour"].startswith("GONE#")
    assert world.dead_letters() == []
    world.enter(PRIMARY)
    application().ledger.begin(attempt["object_id"], 0.0, processing_version="", forget=["checkpoint", "gone"])
    (attempt,) = (row for row in world.rows() if row["sk"] == f"ATTEMPT#{PRIMARY}")
    assert {"gone", "state_order"}.isdisjoint(attempt), "the other region waits again"
    assert attempt["state_hour"] == schema.UNFINISHED


@pytest.mark.parametrize("body", ["no JSON", "[]", "{}", '{"Records": []}', '{"Records": [{"s3": 1}]}'])
def test_message_that_is_no_event_is_a_dead_letter_at_once(world: World, body: str) -> None:
    world.send(body)
    assert world.invoke().failed == []
    (letter,) = world.dead_letters()
    assert letter["Body"] == body
    (note,) = (json.loads(content) for content in world.archived().values())
    assert note["reason"].startswith("not_an_s3_event: ")
    assert note["body"] == body


def test_test_message_of_s3_is_acknowledged(world: World) -> None:
    world.send(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}))
    assert world.invoke().failed == []
    assert world.dead_letters() == []
    assert world.items() == []


# --- what goes wrong half way -----------------------------------------------------------------------------------


def test_one_bad_message_of_ten_is_retried_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    puts = [world.put(f"incoming/{number}.ndjson", lines(number + 1)) for number in range(10)]
    begin, unlucky = Ledger.begin, puts[3]

    def begin_all_but_one(self: Ledger, object_id: str, now: float, **more: Any) -> int:  # noqa: ANN401
        if object_id == object_identity("ingest", unlucky.key, unlucky.version_id):
            raise refused("InternalServerError")
        return begin(self, object_id, now, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "begin", begin_all_but_one)
        first = world.invoke()
    assert (len(first.received), len(first.failed)) == (10, 1)
    assert set(world.results()) == {put.key for put in puts if put is not unlucky}
    again = world.invoke()
    assert [record["attributes"]["ApproximateReceiveCount"] for record in again.received] == ["2"]
    assert again.failed == []
    assert len(world.results()) == 10
    assert len(world.records()) == sum(range(1, 11))


def test_crash_between_records_and_result_writes_the_same_rows_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "conclude", crash)
        assert isinstance(world.invoke().crash, Crash)
    records = world.records()
    assert len(records) == 2
    assert world.results() == {}, "an unfinished object has no RESULT"
    assert len(world.unfinished()) == 1
    assert world.invoke().failed == []
    assert world.records() == records
    assert world.results()[put.key]["accepted"] == 2
    assert world.unfinished() == []


def test_crash_after_result_leaves_no_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "finish", crash)
        assert isinstance(world.invoke().crash, Crash)
    result = world.results()[put.key]
    assert world.invoke().failed == []
    assert world.results()[put.key] == result, "RESULT is written once"
    assert world.unfinished() == []


@pytest.mark.parametrize("step", ["copy", "quarantine"])
def test_crash_within_a_quarantine_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    put = world.put("incoming/x.json", b"[")
    with monkeypatch.context() as patch:
        patch.setattr(Archive, step, crash)
        world.invoke()
    assert world.results() == {}
    world.invoke()
    object_id = world.results()[put.key]["object_id"]
    assert {f"quarantined/{object_id}.json", f"quarantined/{object_id}/object"} == set(world.archived())
    assert len(world.dead_letters()) == 1


@pytest.mark.parametrize("body", [lines(30) + b"bad\n", b"[" + lines(30)], ids=["readable", "unreadable"])
def test_crash_at_any_call_is_completed_by_the_next_delivery(world: World, body: bytes) -> None:
    """Stop the function before its first call to AWS, then before its second, and so on to the last."""
    for stopped_before in count(1):
        put = world.put(f"incoming/{stopped_before}.ndjson" if body[0] != ord("[") else f"incoming/{stopped_before}", body)
        world.enter(PRIMARY)
        stop_before(stopped_before)
        has_crashed = isinstance(world.invoke().crash, Crash)
        is_concluded = put.key in world.results()
        assert is_concluded or has_crashed
        if is_concluded:
            assert_whole(world, put)
        assert len(world.invoke().received) == int(has_crashed)
        assert_whole(world, put)
        assert world.unfinished() == []
        world.forget()
        if not has_crashed:
            break
    assert stopped_before > 7, "RESULT, records, attempts, object and archive need more calls"


def stop_before(call: int) -> None:
    """End the execution environment before its `call`-th request to AWS from now on."""
    calls = count(1)

    def stop(**_: object) -> None:
        if next(calls) == call:
            raise Crash

    pipeline = application()
    for client in (pipeline.ledger._dynamodb, pipeline.reader._s3, pipeline.own_queue._sqs):  # noqa: SLF001 - all three
        client.meta.events.register("before-call", stop)


def assert_whole(world: World, put: Put) -> None:
    result, archived = world.results()[put.key], list(world.archived())
    landed = sorted(ordinal for _, ordinal in world.records())
    if result["state"] == "COMPLETED":
        assert landed == list(range(30))
        assert (result["accepted"], result["rejected"]) == (30, 1)
        assert archived == [f"rejected/{identity(put)}.ndjson"]
    else:
        assert landed == []
        assert archived == [f"quarantined/{identity(put)}.json", f"quarantined/{identity(put)}/object"]


def test_timeout_within_an_object_leaves_no_partial_state(world: World) -> None:
    put = world.put("incoming/long.ndjson", lines(1500))
    left = iter([300.0] * 7)  # the first look while it is read, but no other
    first = world.invoke(clock=lambda: next(left, 4.0))
    assert len(first.failed) == 1
    assert world.results() == {}
    assert len(world.unfinished()) == 1
    assert world.invoke().failed == []
    assert world.results()[put.key]["accepted"] == 1500
    assert len(world.records()) == 1500


def test_timeout_while_writing_records_continues_in_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/long.ndjson", lines(1000))
    world.enter(PRIMARY)
    batches = 0

    def slow(**_: object) -> None:
        nonlocal batches
        batches += 1

    ledger = application().ledger
    ledger._dynamodb.meta.events.register_first("before-send.dynamodb.BatchWriteItem", slow)  # noqa: SLF001 - to count calls
    first = world.invoke(clock=lambda: 300.0 if batches < 3 else 1.0)
    assert first.failed == []
    assert 0 < len(world.records()) < 1000
    assert world.results() == {}
    monkeypatch.undo()
    assert world.invoke().failed == []
    assert {ordinal for _, ordinal in world.records()} == set(range(1000))
    assert world.results()[put.key]["accepted"] == 1000


def test_object_without_time_to_begin_uses_up_no_receive(world: World) -> None:
    keys = {world.put(f"incoming/{number}.ndjson", LINES).key for number in range(3)}
    begun = 0
    begin = Ledger.begin

    def clock() -> float:
        return 300.0 if begun < 1 else 60.0

    def begin_and_count(self: Ledger, object_id: str, now: float, **more: Any) -> int:  # noqa: ANN401
        nonlocal begun
        begun += 1
        return begin(self, object_id, now, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "begin", begin_and_count)
        assert world.invoke(clock=clock).failed == []
    assert len(world.results()) == 1
    again = world.invoke()
    assert [record["attributes"]["ApproximateReceiveCount"] for record in again.received] == ["1", "1"]
    assert {record["messageAttributes"]["hops"]["stringValue"] for record in again.received} == {"1"}
    assert set(world.results()) == keys


def test_message_that_always_fails_is_noted_before_sqs_moves_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write_records", deny)
        for receive in range(1, MAXIMUM_RECEIVES + 1):
            assert world.archived().keys() == {"rejected/" + identity(put) + ".ndjson"} or receive == 1
            assert len(world.invoke().failed) == 1
    note = json.loads(world.archived()[f"quarantined/{identity(put)}.last-receive.json"])
    assert "AccessDenied" in note["reason"]
    assert note["receive_count"] == MAXIMUM_RECEIVES
    assert world.invoke().received == []
    (letter,) = world.dead_letters()
    assert json.loads(letter["Body"]) == {"Records": [event_record(put, PRIMARY)]}
    world.send(letter["Body"])  # as a redrive does, once the cause is fixed
    world.invoke()
    assert world.results()[put.key]["accepted"] == 2


def test_items_left_unprocessed_by_dynamodb_are_written_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("incoming/x.ndjson", lines(60))
    really = BatchRequests.send
    calls = 0

    def throttled(self: BatchRequests, batch: Batch) -> Batch:  # moto is never too busy
        nonlocal calls
        calls += 1
        items = list(batch.items())
        left: Batch = {**dict(items[7:]), **really(self, dict(items[:7]))}
        return left

    monkeypatch.setattr(BatchRequests, "send", throttled)
    assert world.invoke().failed == []
    assert len(world.records()) == 60
    assert calls > 60 / 7


class Crash(BaseException):
    """Raised to end the execution environment, as a timeout does."""


def crash(*_: object, **__: object) -> None:
    raise Crash


def deny(*_: object, **__: object) -> None:
    raise refused("AccessDenied")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "made up"}}, "Operation")


def identity(put: Put) -> str:
    return object_identity("ingest", put.key, put.version_id)


def test_object_is_reprocessed_by_another_version_only_on_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/x.ndjson", b'{"a":1}\n{"a":2}\n{"a":3}\n')
    world.invoke()
    before = world.items()

    def without_the_second(record: dict[str, Any]) -> dict[str, Any]:
        if record["a"] == 2:
            raise Reject("no longer wanted")
        return record | {"changed": True}

    world.deploy_newer(monkeypatch, transform=without_the_second)
    world.announce(put)
    world.invoke()
    assert world.items() == before, "an event that comes again changes nothing"
    for _ in range(2):
        queue_url = world.queue_url("ingest", PRIMARY)
        world.client("sqs", PRIMARY).send_message(
            QueueUrl=queue_url,
            MessageBody=json.dumps({"Records": [event_record(put, PRIMARY)]}),
            MessageAttributes={"reprocess": {"DataType": "Number", "StringValue": "1"}},
        )
        assert world.invoke().failed == []
    assert [row for _, row in sorted(world.records().items())] == [{"a": 1, "changed": True}, {"a": 3, "changed": True}]
    result = world.results()[put.key]
    assert (result["accepted"], result["rejected"], result["processing_version"]) == (2, 1, "newer")
    (settled,) = world.settled(PRIMARY)
    assert settled["settled_version"] == "newer"
    assert next(row["attempts"] for row in world.rows() if row["sk"] == f"ATTEMPT#{PRIMARY}") == 2, "once is enough"


def test_notes_of_an_overtaken_attempt_are_not_written(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.invoke()
    identity = object_identity("ingest", put.key, put.version_id)
    world.enter(PRIMARY)
    ledger = application().ledger
    known = ledger.look(identity)
    assert known.result is not None
    attempts = ledger.begin(identity, time.time(), processing_version="newer")
    assert ledger.look(identity).is_rewritten(time.time())
    ledger.unsettle(identity, "newer")
    assert not ledger.settle(identity, known.result, 0.0, withdrawals=known.withdrawals)
    newer = replace(known.result, processing_version="newer")
    assert ledger.settle(identity, newer, 0.0, withdrawals=known.withdrawals), "the attempts of one version agree"
    ledger.unsettle(identity, "newer")
    assert len(world.settled(PRIMARY)) == 1, "a note of the version that is written stays"
    ledger.unsettle(identity)
    ledger.finish(identity, 0.0, attempts=known.attempts)
    assert (world.settled(PRIMARY), len(world.unfinished())) == ([], 1)
    assert ledger.settle(identity, known.result, 0.0, withdrawals=ledger.look(identity).withdrawals)
    ledger.finish(identity, 0.0, attempts=attempts)
    assert (len(world.settled(PRIMARY)), world.unfinished()) == (1, [])


def test_passive_region_reprocesses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = world.put("incoming/x.ndjson", b'{"a":1}\n')
    world.invoke()
    before = world.items()
    world.deploy_newer(monkeypatch)
    world.client("sqs", PRIMARY).send_message(
        QueueUrl=world.queue_url("ingest", PRIMARY),
        MessageBody=json.dumps({"Records": [event_record(put, PRIMARY)]}),
        MessageAttributes={"reprocess": {"DataType": "Number", "StringValue": "1"}},
    )
    claim = {"pk": {"S": "CONTROL#us-west-2"}, "sk": {"S": "ACTIVE"}, "epoch": {"N": "1"}}
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=claim)
    assert world.invoke().failed == []
    assert [row for row in world.items() if not row["pk"]["S"].startswith("CONTROL#")] == before
    assert set(world.depth(PRIMARY).values()) == {0}
