"""Test the reconciler against moto: it finds objects that lost their message, and sends them again."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from handlers.processor import reconciler
from handlers.processor.application import application
from handlers.processor.store import Ledger
from handlers.shared import schema
from handlers.shared.object_keys import object_identity
from integration_tests.moto.processor_world import PRIMARY, SECONDARY, TABLE, Put, World, environment

LINES = b"".join(b'{"a":%d}\n' % number for number in range(6))
EMPTY = {"visible": 0, "in flight": 0, "delayed": 0}


@pytest.fixture
def world() -> Iterator[World]:
    with environment(), mock_aws():
        yield World()


def processed(world: World, key: str = "incoming/x.ndjson", body: bytes = LINES) -> Put:
    """Create an object that is in both regions, processed and settled."""
    put = world.put(key, body)
    world.replicate(put)
    world.invoke(PRIMARY)
    world.replicate_table()
    world.invoke(SECONDARY)
    world.replicate_table(source=SECONDARY)
    return put


def delete_records(world: World, *, most: int = 6) -> None:
    """Delete records in both replicas, as a person with the console does."""
    records = [item for item in world.items() if item["pk"]["S"].startswith("REC#")]
    for item in records[:most]:
        delete(world, item["pk"]["S"], item["sk"]["S"])


def delete(world: World, pk: str, sk: str) -> None:
    for region in (PRIMARY, SECONDARY):
        world.client("dynamodb", region).delete_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})


def lose_messages(world: World, region: str) -> None:
    world.client("sqs", region).purge_queue(QueueUrl=world.queue_url("ingest", region))


def listed(world: World, region: str = PRIMARY) -> list[dict[str, Any]]:
    """Return the findings that the region's row lists."""
    (row,) = [row for row in world.rows(region) if row["pk"] == schema.reconciler_partition_key(region)]
    return list(json.loads(row["notes"])["findings"])


def test_platform_without_faults_has_no_findings(world: World) -> None:
    processed(world)
    assert [world.reconcile(region) for region in (PRIMARY, SECONDARY)] == [0, 0]
    assert [world.depth(region) for region in (PRIMARY, SECONDARY)] == [EMPTY, EMPTY]


@pytest.mark.parametrize("at", ["N", "S"])
def test_row_with_a_future_or_no_time_does_not_block_a_run(world: World, at: str) -> None:
    processed(world)
    world.reconcile(PRIMARY)
    (row,) = [row for row in world.items(PRIMARY) if row["pk"]["S"] == schema.reconciler_partition_key(PRIMARY)]
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item={**row, "at": {at: "99999999999"}, "work": {"N": "7"}})
    assert world.reconcile(PRIMARY, later=3600) == 0
    (row,) = [row for row in world.items(PRIMARY) if row["pk"]["S"] == schema.reconciler_partition_key(PRIMARY)]
    assert row["work"] == {"N": "0"}


@pytest.mark.parametrize("most", [1, 6])
def test_deleted_records_are_found_and_written_again(world: World, most: int) -> None:
    put = processed(world)
    before = world.records()
    delete_records(world, most=most)
    assert world.reconcile(PRIMARY) == 1
    (finding,) = listed(world)
    assert (finding["kind"], finding["object_key"]) == ("result-without-records", put.key)
    assert world.invoke(PRIMARY).failed == []
    assert world.records() == before
    assert world.reconcile(PRIMARY, later=3900) == 0
    assert listed(world) == []


def test_passive_region_writes_deleted_records_again(world: World) -> None:
    processed(world)
    before = world.records()
    delete_records(world)
    assert world.reconcile(SECONDARY) == 1
    assert world.invoke(SECONDARY).failed == []
    assert world.depth(SECONDARY) == dict.fromkeys(world.depth(SECONDARY), 0)
    in_secondary = world.client("dynamodb", SECONDARY).scan(TableName=TABLE)["Items"]
    assert len([item for item in in_secondary if item["pk"]["S"].startswith("REC#")]) == len(before)
    assert len(world.settled(SECONDARY)) == 1
    assert world.reconcile(SECONDARY, later=3900) == 0


def test_object_without_a_result_is_sent_again(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    lose_messages(world, PRIMARY)
    assert world.reconcile(PRIMARY, later=0) == 0, "it is on its way"
    assert world.reconcile(PRIMARY, later=4000) == 1
    world.invoke(PRIMARY)
    assert world.results()[put.key]["accepted"] == 6
    assert world.reconcile(PRIMARY, later=4300) == 0


def test_deleted_result_is_written_again(world: World) -> None:
    put = processed(world)
    delete(world, f"OBJ#{object_identity('ingest', put.key, put.version_id)}", schema.RESULT)
    assert world.reconcile(PRIMARY) == 1
    world.invoke(PRIMARY)
    assert world.results()[put.key]["accepted"] == 6


def test_finding_sent_without_result_is_sent_less_often(world: World) -> None:
    world.put("incoming/x.ndjson", LINES)
    lose_messages(world, PRIMARY)
    sent = []
    for hours in range(1, 30):
        world.reconcile(PRIMARY, later=hours * 3600.0)
        sent.append(world.depth(PRIMARY)["visible"])
    assert sent[:4] == [1, 2, 2, 3]
    assert sent[-1] == 5
    assert listed(world)[0]["sends"] == 5


def test_waiting_message_of_a_passive_region_is_not_sent_again(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.replicate(put)
    world.invoke(SECONDARY)
    identity = object_identity("ingest", put.key, put.version_id)
    for number in range(1, 5):
        assert world.reconcile(SECONDARY, later=1000.0 + 70 * number) == 1
        application().ledger.note_put_backs(identity, 8 * number)
    assert sum(world.depth(SECONDARY).values()) == 1, "it goes round by itself"


def test_lost_message_of_a_passive_region_is_sent_again(world: World) -> None:
    put = world.put("incoming/x.ndjson", LINES)
    world.replicate(put)
    lose_messages(world, SECONDARY)
    for later in (1000.0, 1100.0):
        world.reconcile(SECONDARY, later=later)
    assert world.depth(SECONDARY)["visible"] == 1
    world.announce(put, region=SECONDARY)  # an older copy turns up
    world.invoke(SECONDARY)
    assert sum(world.depth(SECONDARY).values()) == 1, "only the newest is put back"


def test_records_without_a_result_and_object_are_listed_until_they_go(world: World) -> None:
    put = processed(world)
    identity = object_identity("ingest", put.key, put.version_id)
    delete(world, f"OBJ#{identity}", schema.RESULT)
    for region in (PRIMARY, SECONDARY):
        world.client("s3", region).delete_object(
            Bucket=f"serverless-ingest-prod-123456789012-{region}-an", Key=put.key, VersionId=put.version_id
        )
    assert world.reconcile(PRIMARY) == 0, "an attempt may be under way"
    assert world.reconcile(PRIMARY, later=3600.0 + 1000) == 1
    assert [one["kind"] for one in listed(world)] == ["records-without-result"]
    assert world.depth(PRIMARY) == EMPTY
    delete_records(world)
    assert world.reconcile(PRIMARY, later=6000.0) == 0


def test_malformed_row_is_listed_and_stops_no_run(world: World) -> None:
    processed(world)
    row = {"pk": {"S": f"OBJ#{1:064d}"}, "sk": {"S": schema.RESULT}, "accepted": {"S": "many"}}
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=row)
    delete_records(world)
    for later in (3600.0, 3900.0):
        assert world.reconcile(PRIMARY, later=later) == 2
        assert sorted(one["kind"] for one in listed(world)) == ["malformed-rows", "result-without-records"]
    delete(world, f"OBJ#{1:064d}", schema.RESULT)
    world.invoke(PRIMARY)
    assert world.reconcile(PRIMARY, later=4200.0) == 0


def test_rows_of_a_canary_are_left_out(world: World) -> None:
    for number, expiry in enumerate([{"expires_at": {"N": "9"}}, {}]):
        row = {"pk": {"S": f"REC#{number:064d}#000000"}, "sk": {"S": "0"}, **expiry}
        world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=row)
    world.reconcile(PRIMARY)
    assert [one["object_id"] for one in listed(world)] == [f"{1:064d}"]


def test_result_without_an_object_is_listed_and_not_sent(world: World) -> None:
    put = processed(world)
    delete_records(world)
    bucket = f"serverless-ingest-prod-123456789012-{PRIMARY}-an"
    world.client("s3", PRIMARY).delete_object(Bucket=bucket, Key=put.key, VersionId=put.version_id)
    for later in (3600.0, 90_000.0):
        assert world.reconcile(PRIMARY, later=later) == 1
        assert [(one["kind"], one["object_key"]) for one in listed(world)] == [("result-without-records", "")]
        assert world.depth(PRIMARY) == EMPTY
    assert world.results()[put.key]["state"] == "COMPLETED"


def test_rows_found_first_are_resolved_when_the_bucket_has_the_object(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put = processed(world)
    delete_records(world)
    with monkeypatch.context() as patch:
        patch.setattr(reconciler.Reconciler, "_recent_page", lambda _self, _run, _walk: reconciler.Walk())
        patch.setattr(reconciler.Reconciler, "_bucket_page", lambda _self, _run, _walk: reconciler.Walk())
        world.reconcile(PRIMARY)
        assert [one["object_key"] for one in listed(world)] == [""]
    world.reconcile(PRIMARY, later=8000.0)
    assert [one["object_key"] for one in listed(world)] == [put.key]
    assert world.depth(PRIMARY)["visible"] == 1


def test_object_of_an_earlier_release_is_settled(world: World) -> None:
    put = processed(world)
    identity = object_identity("ingest", put.key, put.version_id)
    for region in (PRIMARY, SECONDARY):
        delete(world, f"OBJ#{identity}", schema.replica_sort_key(region))
    assert world.settled(SECONDARY) == []
    assert [world.reconcile(region) for region in (PRIMARY, SECONDARY)] == [0, 0]
    assert len(world.settled(SECONDARY)) == len(world.settled(PRIMARY)) == 1


def test_object_whose_note_was_refused_is_settled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt of another version withdraws the note between RESULT and the note, and then crashes."""
    conclude = Ledger.conclude

    def conclude_and_withdraw(ledger: Ledger, result: Any, *given: Any, **named: Any) -> bool:  # noqa: ANN401 - as it takes
        is_written = conclude(ledger, result, *given, **named)
        ledger.unsettle(result.object_id, "another version")
        return is_written

    world.put("incoming/x.ndjson", LINES)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "conclude", conclude_and_withdraw)
        assert world.invoke(PRIMARY).failed == []
    assert (world.settled(PRIMARY), world.depth(PRIMARY)) == ([], EMPTY)
    assert (world.reconcile(PRIMARY), len(world.settled(PRIMARY))) == (0, 1)


@pytest.mark.parametrize("is_settled", [True, False])
def test_attempt_whose_message_is_lost_is_not_listed_as_unfinished(world: World, *, is_settled: bool) -> None:
    put = processed(world)
    identity = object_identity("ingest", put.key, put.version_id)
    if not is_settled:
        delete(world, f"OBJ#{identity}", schema.replica_sort_key(PRIMARY))
    world.enter(PRIMARY)
    application().ledger.begin(
        identity, 0.0, processing_version=""
    )  # as a crash before its end leaves it; its message is purged
    attempt = schema.attempt_sort_key(PRIMARY)
    assert [schema.STATE_INDEX_PARTITION_KEY in row for row in world.rows(PRIMARY) if row["sk"] == attempt] == [True]
    assert world.reconcile(PRIMARY) == 0
    assert [schema.STATE_INDEX_PARTITION_KEY in row for row in world.rows(PRIMARY) if row["sk"] == attempt] == [False]


def test_quarantine_without_a_note_is_copied_to_this_archive(world: World) -> None:
    put = processed(world, "incoming/x.json", b"[")
    identity = object_identity("ingest", put.key, put.version_id)
    delete(world, f"OBJ#{identity}", schema.replica_sort_key(SECONDARY))
    for key in world.archived(SECONDARY):
        world.client("s3", SECONDARY).delete_object(Bucket=f"serverless-archive-prod-123456789012-{SECONDARY}-an", Key=key)
    assert world.reconcile(SECONDARY) == 1
    world.invoke(SECONDARY)
    assert f"quarantined/{identity}/object" in world.archived(SECONDARY)
    assert world.reconcile(SECONDARY, later=3900) == 0


def test_run_is_bounded_and_the_next_one_resumes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "_PAGE", 2)
    monkeypatch.setattr(reconciler, "FINDINGS", 3)
    for number in range(7):
        world.put(f"incoming/{number}.ndjson", LINES)
    lose_messages(world, PRIMARY)
    found, later = [], 3600.0
    for _ in range(4):
        found.append(world.reconcile(PRIMARY, later=later))
        for _ in range(3):
            world.invoke(PRIMARY)
        later += 300
    assert found == [3, 3, 1, 0]
    assert len(world.results()) == 7
