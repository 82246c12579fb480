"""Test the reconciler's walks: each object is checked once a walk for any page size, and canaries never are."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor import reconciler
from handlers.processor.deadline import Deadline, OutOfTimeError
from handlers.processor.reconciler import Finding, Notes, Reconciler, ReconcilerRow, Walk
from handlers.processor.store import Concluded, Known, Ledger
from handlers.shared.object_keys import CANARY_SOURCE, Upload

NOW = 1_750_000_000.0
DAY = 86_400.0


class Bucket:
    """Lists versions in pages, as S3 does: by key, newest first; both markers are exclusive.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """

    def __init__(self, versions: Iterable[tuple[str, str, float]], page: int) -> None:
        self._versions = sorted(versions, key=lambda one: (one[0], -one[2], one[1]))
        self._page = page
        self.listings = 0

    def list_object_versions(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's arguments
        self.listings += 1
        key, version_id = request.get("KeyMarker", ""), request.get("VersionIdMarker", "")
        found = [one for one in self._versions if one[0].startswith(request["Prefix"])]
        if version_id:
            place = next(place for place, one in enumerate(found) if one[:2] == (key, version_id))
            found = found[place + 1 :]
        else:
            found = [one for one in found if one[0] > key]
        page, rest = found[: self._page], found[self._page :]
        listed = [
            {"Key": name, "VersionId": version, "LastModified": datetime.fromtimestamp(at, UTC)}
            for name, version, at in page
        ]
        return {"Versions": listed, "IsTruncated": bool(rest)} | (
            {"NextKeyMarker": page[-1][0], "NextVersionIdMarker": page[-1][1]} if rest else {}
        )


class Table:
    """Holds only the rows of this region's reconciler and of the other one's."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ClientError)

    def __init__(self) -> None:
        self.row: dict[str, Any] = {}
        self.peer_row: dict[str, Any] = {}

    def get_item(self, *, Key: dict[str, Any], **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        row = self.peer_row if Key["pk"]["S"] == "RECONCILER#us-west-2" else self.row
        return {"Item": row} if row else {}

    def put_item(self, *, Item: dict[str, Any], **_: object) -> None:  # noqa: N803 - boto3's name
        self.row = Item

    def scan(self, **_: object) -> dict[str, Any]:
        return {"Items": []}


def upload_key(source: str, seconds: float, file_key: str = "a.csv") -> str:
    """Return the key of an upload through the issuer, at a time in epoch seconds."""
    digits = f"{int(seconds * 1000):012x}"
    return Upload(source, f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000", "ab" * 32, file_key).object_key


def make(bucket: Bucket, ledger: Any, table: Table | None = None) -> Reconciler:  # noqa: ANN401 - a mock
    active = SimpleNamespace(region="us-east-1")
    return Reconciler(
        s3=cast("Any", bucket),
        dynamodb=cast("Any", table or Table()),
        bucket="bucket",
        table_name="table",
        region="us-east-1",
        peer_region="us-west-2",
        source="ingest",
        ledger=ledger,
        control=cast("Any", SimpleNamespace(active=lambda: active)),
        own_queue=Mock(),
        telemetry=Mock(),
        waiting_seconds=300,
        maximum_age_seconds=4 * DAY,
    )


sources = st.sampled_from(["a", CANARY_SOURCE, "canary0", "canary-2", "z"])
versions = st.one_of(
    st.tuples(sources, st.floats(0, 20 * DAY)).map(lambda one: (upload_key(one[0], NOW - one[1]), NOW - one[1])),
    st.tuples(st.sampled_from("xyz"), st.floats(0, 20 * DAY)).map(lambda one: (f"incoming/{one[0]}", NOW - one[1])),
)


@pytest.mark.property
@given(drawn=st.lists(versions, max_size=30), page=st.integers(1, 7), rows=st.integers(1, 40))
def test_each_object_is_looked_at_whatever_the_pages(drawn: list[tuple[str, float]], page: int, rows: int) -> None:
    stored = [(key, f"v{number}", at) for number, (key, at) in enumerate(drawn)]
    ledger = Mock(spec=Ledger)
    ledger.look.return_value = Known()
    bucket = Bucket(stored, page)
    found: set[tuple[str, str]] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
        patch.setattr(reconciler, "ROWS_A_RUN", rows)
        patch.setattr(reconciler, "FINDINGS", 1000)
        one = make(bucket, ledger)
        for _ in range(200):
            one.run(Deadline(lambda: 300.0))
            notes = one.row.recall()
            if notes.recent.is_whole and notes.bucket.is_whole and notes.table.is_whole:
                break
        found = {(finding.object_key, finding.version_id) for finding in notes.findings}
    old_enough = [one for one in stored if one[2] <= NOW - reconciler.GRACE_SECONDS]
    wanted = {key for key, _, _ in old_enough if not key.startswith(f"incoming/uploads/{CANARY_SOURCE}/")}
    assert {key for key, _ in found} == wanted
    direct = {(key, version) for key, version, _ in old_enough if not key.startswith("incoming/uploads/")}
    assert direct <= found, "each version of a direct put is an object of its own"


@pytest.mark.property
@given(drawn=st.lists(versions, max_size=20), page=st.integers(1, 7))
def test_the_quick_walk_looks_at_seven_days(drawn: list[tuple[str, float]], page: int) -> None:
    stored = [(key, f"v{number}", at) for number, (key, at) in enumerate(drawn)]
    ledger = Mock(spec=Ledger)
    ledger.look.return_value = Known()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
        patch.setattr(Reconciler, "_bucket_page", lambda _self, _run, walk: Walk(walk.begun_at))
        one = make(Bucket(stored, page), ledger)
        one.run(Deadline(lambda: 300.0))
        found = {finding.object_key for finding in one.row.recall().findings}
    recent = [key for key, _, at in stored if NOW - 7 * DAY <= at <= NOW - reconciler.GRACE_SECONDS]
    assert found == {key for key in recent if not key.startswith(f"incoming/uploads/{CANARY_SOURCE}/")}


def test_pause_between_walks_grows_with_the_objects_found() -> None:
    ledger = Mock(spec=Ledger)
    ledger.look.return_value = Known()
    stored = [(f"incoming/{number:04d}", "v", NOW - 3600) for number in range(1000)]
    begun = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciler, "FINDINGS", 10_000)
        one = make(Bucket(stored, 1000), ledger)
        for hours in range(6):
            patch.setattr(reconciler, "time", SimpleNamespace(time=lambda now=NOW + 3600.0 * hours: now))
            one.run(Deadline(lambda: 300.0))
            begun.append(one.row.recall().recent.begun_at - NOW)
    assert begun == [0, 0, 0, 3 * 3600, 3 * 3600, 3 * 3600], "10 s an object, an hour at least"


def test_unreadable_notes_start_the_walks_again() -> None:
    table = Table()
    row = ReconcilerRow(dynamodb=cast("Any", table), table_name="table", region="us-east-1")
    kept = Notes(
        findings=(Finding("object-without-result", "ab" * 32, NOW, "incoming/x", "v"),), recent=Walk(1.0, cursor=["k", "v"])
    )
    row.keep(kept, 1, NOW)
    assert row.recall() == kept
    for text in ("{", "[]", '{"recent": {"colour": 1}}'):
        table.row["notes"] = {"S": text}
        assert row.recall() == Notes()


class TableOfResults(Table):
    """A table of five RESULT rows, scanned in the order of their keys."""

    def scan(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - Scan's
        rows = [{"pk": {"S": f"OBJ#{name}"}, "sk": {"S": "RESULT"}} for name in "abcde"]
        start = request.get("ExclusiveStartKey", {"pk": {"S": ""}})["pk"]["S"]
        return {"Items": [row for row in rows if row["pk"]["S"] > start]}


def test_run_that_ends_within_a_page_resumes_after_its_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Mock(spec=Ledger)
    ledger.look.return_value = Known(result=Concluded(1, 1, "", "", processed_at=NOW))
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    one = make(Bucket([], 5), ledger, TableOfResults())
    most = [0]
    for _ in range(3):
        most[0] += 2
        one.run(Deadline(lambda: 300.0 if ledger.look.call_count < most[0] else 1.0))
    assert [call.args[0] for call in ledger.look.mock_calls] == list("abcde")


def test_an_object_that_takes_a_run_to_verify_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOW]
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: now[0]))
    ledger, table = Mock(spec=Ledger), Table()
    ledger.look.return_value = Known(result=Concluded(1, 1, "", "", processed_at=NOW - DAY))
    ledger.holds.side_effect = OutOfTimeError("too many records")
    one = make(Bucket([("incoming/a", "v1", NOW - DAY)], 5), ledger, table)
    work, looks = [], []
    for seconds in (0, 300, 600, 300 + DAY):
        now[0] = NOW + seconds
        work.append(one.run(Deadline(lambda: 300.0))["unreconciled"])
        looks.append(ledger.holds.call_count)
    (finding,) = ReconcilerRow(dynamodb=cast("Any", table), table_name="t", region="r").recall().findings
    assert (finding.kind, work, looks) == ("records-not-verified", [0, 1, 1, 1], [1, 2, 2, 3])
    assert not cast("Any", one)._own_queue.send.called  # noqa: SLF001 - nothing is known to be missing


def test_a_finding_that_runs_out_of_time_stops_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    ledger, table = Mock(spec=Ledger), Table()
    ledger.look.return_value = Known(result=Concluded(1, 1, "", "", processed_at=NOW - DAY))
    ledger.holds.side_effect = OutOfTimeError("too many records")
    finding = Finding("result-without-records", "a", NOW - DAY, "incoming/a", "v1", NOW - DAY, next_at=NOW + DAY)
    one = make(Bucket([], 5), ledger, table)
    one.row.keep(Notes(findings=(finding,)), 1, NOW - 300)
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": 1}
    assert one.row.recall().findings == (finding,)


@pytest.mark.parametrize("holds", [True, False])
def test_object_at_work_is_listed_but_not_settled(monkeypatch: pytest.MonkeyPatch, *, holds: bool) -> None:
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    ledger = Mock(spec=Ledger)
    result = Concluded(1, 1, "", "", processed_at=NOW - DAY)
    ledger.look.return_value = Known(result=result, is_attempt_unfinished=True, rewritten_at=NOW - 60)
    ledger.holds.return_value = holds
    one = make(Bucket([("incoming/a", "v1", NOW - DAY)], 5), ledger)
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": int(not holds)}
    assert (ledger.settle.called, ledger.finish.called) == (False, False)


class TableOfRecords(Table):
    """A table that holds the first records of a number of objects, and nothing else."""

    def __init__(self, objects: int) -> None:
        super().__init__()
        self.objects = objects

    def scan(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - Scan's
        keys = (f"REC#{number:064x}#000000" for number in range(self.objects))
        return {"Items": [{"pk": {"S": key}, "sk": {"S": "000000000000"}} for key in keys]}

    def query(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - Query's
        return {"Count": 1}


def test_objects_that_nothing_repairs_stop_no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOW]
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: now[0]))
    ledger, table = Mock(spec=Ledger), TableOfRecords(250)
    ledger.look.return_value = Known()
    one = make(Bucket([], 5), ledger, table)
    one.run(Deadline(lambda: 300.0))
    now[0] += reconciler.GRACE_SECONDS
    vars(one)["_s3"] = Bucket([("incoming/a", "v1", NOW - DAY)], 5)
    now[0] += 3600.0
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": 251}
    assert one._own_queue.send.call_count == 1, "the object that can be sent is found"  # type: ignore[attr-defined]  # noqa: SLF001
    notes = one.row.recall()
    assert (len(notes.findings), notes.table.left_out, notes.table.is_whole) == (101, 150, True)
    table.objects, now[0] = 0, now[0] + DAY
    vars(table)["query"] = lambda **_: {"Count": 0}
    ledger.look.return_value = Known(result=Concluded(1, 1, "", "", processed_at=now[0]))
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": 0}


def test_findings_of_the_longest_keys_fit_into_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    ledger, table = Mock(spec=Ledger), Table()
    ledger.look.return_value = Known()
    keys = [f"incoming/{number:03d}{chr(1) * 1012}" for number in range(90)]  # JSON writes six bytes for one
    one = make(Bucket([(key, "v1", NOW - DAY) for key in keys], 100), ledger, table)
    assert one.run(Deadline(lambda: 300.0))["unreconciled"] > 50
    assert len(table.row["notes"]["S"]) < 400_000


@pytest.mark.parametrize(("gone_in", "sends"), [(frozenset(), 1), (frozenset({"us-east-1"}), 0)])
def test_object_that_only_the_passive_region_lists_is_sent(
    monkeypatch: pytest.MonkeyPatch, gone_in: frozenset[str], sends: int
) -> None:
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    ledger, table = Mock(spec=Ledger), Table()
    ledger.look.return_value = Known(gone_in=gone_in)
    there = Finding("object-without-result", "a", NOW - 300, "incoming/a", "v1", NOW - DAY, sends=3, next_at=NOW + DAY)
    notes = Notes(findings=(there, Finding("records-without-result", "b", NOW - 300)))
    table.peer_row = {"notes": {"S": json.dumps(asdict(notes))}}
    one = make(Bucket([], 5), ledger, table)
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": sends}
    sent = cast("Any", one)._own_queue.send.call_args_list  # noqa: SLF001 - a mock
    assert [json.loads(call.args[0])["Records"][0]["s3"]["object"]["key"] for call in sent] == ["incoming/a"] * sends


@pytest.mark.parametrize("records", [0, 1])
def test_object_that_is_gone_here_is_listed_for_its_records_only(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr(reconciler, "time", SimpleNamespace(time=lambda: NOW))
    ledger, table = Mock(spec=Ledger), Table()
    ledger.look.return_value = Known(gone_in=frozenset({"us-east-1"}))
    vars(table)["query"] = lambda **_: {"Count": records}
    one = make(Bucket([], 5), ledger, table)
    found = Finding("object-without-result", "a", NOW - DAY, "incoming/a", "v1", NOW)
    one.row.keep(Notes(findings=(found,)), 1, NOW - 300)
    assert one.run(Deadline(lambda: 300.0)) == {"unreconciled": records}
    assert not cast("Any", one)._own_queue.send.called  # noqa: SLF001 - a mock
