"""Test that the proof finds any damage to the seven sources, with its id and kind, and nothing without damage."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill.proof import proving
from drill.proof.digests import Entries, unequal_cells, unequal_leaves
from drill.proof.scope import NO_HOUR, ReceiptRow, Scope, Site, hour_of, moment_of
from drill.proof.snapshot import Snapshot
from handlers.processor.store import Checkpoint
from operations.errors import RunFailure
from unit_tests.drill.proof.corruptions import DAMAGES, Damage, no_replica, other_bytes
from unit_tests.drill.proof.five_sources import EAST, REGIONS, SOURCE, WEST, Bucket, Five, found, of_the_region, words

UPLOADS = 24


@pytest.mark.property
@given(
    damaged=st.dictionaries(st.integers(0, UPLOADS - 1), st.sampled_from(list(DAMAGES.values())), max_size=6),
    seed=st.integers(0, 1000),
    page=st.integers(1, 60),
)
def test_exactly_the_damage_is_found(damaged: dict[int, Damage], seed: int, page: int) -> None:
    five = Five(UPLOADS, seed=seed, page=page)
    ids = five.ids
    expected = {one for number, damage in damaged.items() for one in damage(five, ids[number])}
    five.order.shuffle(five.receipts)
    proof = five.prove()
    assert found(proof) == expected
    assert proof.equal == (not expected)
    assert (proof.lost, proof.duplicated, proof.divergent) == tuple(
        len({object_id for kind, object_id, _ in expected if kind == wanted})
        for wanted in ("lost", "duplicated", "divergent")
    )


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_single_damage_is_found(damage: Damage, number: int) -> None:
    """The file has no record, one or two."""
    five = Five(5)
    expected = damage(five, five.ids[number])
    proof = five.prove()
    assert found(proof) == expected
    assert proof.equal == (not expected)


@pytest.mark.property
@given(uploads=st.integers(0, 40), seed=st.integers(0, 1000), milliseconds=st.sampled_from([1, 900_000, 90_000_000]))
def test_undamaged_sources_are_equal_in_any_order(uploads: int, seed: int, milliseconds: int) -> None:
    plain, shuffled = (Five(uploads, seed=one, milliseconds=milliseconds) for one in (0, seed))
    shuffled.order.shuffle(shuffled.receipts)
    proof, other = plain.prove(), shuffled.prove()
    assert proof.equal
    assert proof.findings == ()
    assert proof.objects == uploads
    assert proof.digests == other.digests
    assert proof.sources == (
        f"objects {EAST}",
        f"objects {WEST}",
        f"ledger {EAST}",
        f"ledger {WEST}",
        f"archive {EAST}",
        f"archive {WEST}",
        "receipts",
    )


def test_empty_system_is_equal() -> None:
    proof = Five(0).prove()
    assert (proof.equal, proof.objects, proof.digests) == (True, 0, ())


def test_digests_have_hour_and_prefix_and_are_equal_in_all_sources() -> None:
    five = Five(40)
    proof = five.prove()
    assert {(row.hour, row.prefix) for row in proof.digests} == {
        (hour_of(receipt.upload_id), receipt.object_id[0]) for receipt in five.receipts
    }
    of_source = {source: [row for row in proof.digests if row.source == source] for source in proof.sources}
    archives = [of_source.pop(f"archive {region}") for region in REGIONS]
    assert {sum(row.count for row in rows) for rows in of_source.values()} == {40}
    assert len({tuple((row.hour, row.prefix, row.sum) for row in rows) for rows in of_source.values()}) == 1
    assert [sum(row.count for row in rows) for rows in archives] == [14, 14]


def test_rows_that_regions_own_and_other_sources_are_left_alone() -> None:
    five, others = Five(9), Five(9, source="billing")
    no_replica(others, others.ids[3])
    five.add(others)
    for region in REGIONS:
        for owner in REGIONS:
            five.rows[region] |= {(row["pk"]["S"], row["sk"]["S"]): row for row in of_the_region(owner)}
    assert five.prove().equal
    assert not five.prove(Scope("billing")).equal


@pytest.mark.parametrize(
    ("pk", "sk", "attributes"),
    [
        ("COUNTER#TOTAL", "ALL", {}),
        ("CONTROL#us-east-1", "CURRENT", {}),
        ("CONTROL#ACTIVE", "us-east-1", {}),
        ("CONTROL#eu-west-9", "ACTIVE", {}),
        ("HEALTH#us-east-1", "COUNT", {}),
        ("HEARTBEAT#eu-west-1", "LATEST", {}),
        ("DIGEST#us-east-1", "2026-01-31T11", {}),
        ("CLAIM#x#y", "UPLOAD#us-east-1", {"claimed_sha256": {"S": "0"}, "region": {"S": "us-west-2"}}),
        (f"OBJ#{'a' * 64}", "ATTEMPT#both", {}),
        (f"OBJ#{'a' * 64}", "ATTEMPT#us-east-1", {"checkpoint": {"N": "5"}}),
        (f"OBJ#{'a' * 64}", "ATTEMPT#us-east-1", {"checkpoint": {"M": {"ordinal": {"N": "5"}}}}),
        (f"REC#{'a' * 64}#000000", "000000001000", {}),
    ],
)
def test_row_of_no_family_is_divergent(pk: str, sk: str, attributes: dict[str, Any]) -> None:
    five = Five(5)
    five.rows[WEST][pk, sk] = {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}
    proof = five.prove()
    object_id = "a" * 64 if "a" * 64 in pk else f"{pk} / {sk}"
    assert found(proof) == {("divergent", object_id, f"ledger {WEST}")}
    assert not proof.equal


def test_a_checkpoint_of_a_long_file_is_the_region_s_own() -> None:
    five = Five(5)
    checkpoint = Checkpoint("p", 0, "v", 5, is_read=True).attribute
    for keys, row in list(five.rows[EAST].items()):
        if keys[1] in {f"ATTEMPT#{EAST}", f"REPLICA#{EAST}"}:
            five.rows[EAST][keys] = row | {"checkpoint": checkpoint}
    assert five.prove().equal


def test_two_versions_after_a_lost_response_are_no_finding() -> None:
    five = Five(9)
    for region in REGIONS:
        for versions in five.objects[region].values():
            versions.insert(0, ("again", versions[0][1]))
    assert five.prove().equal


def test_second_upload_after_a_lost_response_is_a_duplicate() -> None:
    """Each of the two uploads is complete, with an object, a RESULT and a receipt."""
    five = Five(9)
    first = five.receipts[0]
    (second,) = Five(1, start=123_456).receipts
    assert (first.sha256, first.file_key) == (second.sha256, second.file_key)
    five.add(Five(1, start=123_456))
    assert found(five.prove()) == {("duplicated", second.object_id, "receipts")}
    assert five.prove(Scope(SOURCE, files_once=False)).equal


def test_upload_without_a_certain_receipt_may_be_there_or_not() -> None:
    five = Five(9)
    there, not_there = five.ids[4], five.ids[7]
    five.receipts = [replace(receipt, is_certain=receipt.object_id not in {there, not_there}) for receipt in five.receipts]
    for region in REGIONS:
        five.objects[region] = {
            key: held for key, held in five.objects[region].items() if five.receipts[7].upload_id not in key
        }
        five.rows[region] = {
            pair: row for pair, row in five.rows[region].items() if not_there not in pair[0] or pair[1].startswith("UPLOAD")
        }
    proof = five.prove()
    assert (proof.findings, proof.equal, proof.objects) == ((), True, 8)
    no_replica(five, there)
    assert found(five.prove()) == {("lost", there, f"objects {WEST}")}


def test_object_with_a_foreign_key_is_found() -> None:
    five = Five(5)
    for region in REGIONS:
        five.objects[region][f"incoming/uploads/{SOURCE}/stray"] = [("v", b"x")]
    assert {(kind, where) for kind, _, where in found(five.prove())} == {
        ("duplicated", f"objects {region}") for region in REGIONS
    }


def test_surviving_region_is_proved_alone() -> None:
    five = Five(20)
    no_replica(five, five.ids[3])
    five.calls.clear()
    proof = five.prove(regions=(WEST,))
    assert found(proof) == {("lost", five.ids[3], f"objects {WEST}")}
    assert proof.sources == (f"objects {WEST}", f"ledger {WEST}", f"archive {WEST}", "receipts")
    assert set(five.calls) == {WEST}
    assert five.prove(regions=(EAST,)).equal


@pytest.mark.parametrize(
    ("services", "wheres"),
    [
        ({"s3"}, {f"objects {EAST}", f"archive {EAST}"}),
        ({"dynamodb"}, {f"ledger {EAST}"}),
        ({"s3", "dynamodb"}, {f"objects {EAST}", f"archive {EAST}", f"ledger {EAST}"}),
    ],
)
def test_source_read_from_the_other_region_is_divergent(services: set[str], wheres: set[str]) -> None:
    """Both sources would be equal, so the proof would miss damage to one of them."""
    proof = _Twins(9, services).prove()
    assert found(proof) == {("divergent", where, where) for where in wheres}
    assert not proof.equal
    assert _Twins(9, services).prove(regions=(WEST,)).equal


class _Twins(Five):
    """Answers requests to the first region from the second, with the second one's ARN, as on AWS."""

    def __init__(self, uploads: int, services: set[str]) -> None:
        super().__init__(uploads)
        self.services = services

    def table(self, region: str) -> str:  # noqa: ARG002 - as `Platform` has it
        return "ledger"

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as boto3
        asked = WEST if service in self.services else region
        client = super().client(service, asked)
        return _OfItsOwnBucket(self, asked) if service == "s3" else client


class _OfItsOwnBucket(Bucket):
    """Lists its own region's bucket for any requested name, because the caller mistook both."""

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: ANN401, N803 - as boto3
        assert Bucket.startswith("ingest-")
        return super().list_object_versions(Bucket=self._own(), Prefix=Prefix)

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: ANN401, N803 - as boto3
        assert Bucket.startswith("archive-")
        return super().list_objects_v2(Bucket=self._five.archive_bucket(self._region), Prefix=Prefix)

    def _own(self) -> str:
        return self._five.ingest_bucket(self._region)

    def head_object(self, *, Bucket: str, Key: str, VersionId: str, ChecksumMode: str) -> Any:  # noqa: ANN401, N803
        assert Bucket.startswith("ingest-")
        return super().head_object(Bucket=self._own(), Key=Key, VersionId=VersionId, ChecksumMode=ChecksumMode)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> Any:  # noqa: ANN401, N803
        if Bucket.startswith("archive-"):
            return super().get_object(Bucket=self._five.archive_bucket(self._region), Key=Key)
        return super().get_object(Bucket=self._own(), Key=Key, VersionId=VersionId)


def test_suspicious_object_is_read_even_outside_the_sample() -> None:
    """A sample of checksums misses other bytes of the same length, but not of another length."""
    unasked = Scope(SOURCE, stored_checksums=0)
    five = Five(9)
    expected = other_bytes(five, five.ids[2])
    assert five.prove(unasked).equal
    assert found(five.prove()) == expected
    five = Five(9)
    (versions,) = [held for key, held in five.objects[WEST].items() if five.receipts[2].upload_id in key]
    versions[0] = (versions[0][0], b"short")
    assert found(five.prove(unasked)) == {("divergent", five.ids[2], f"objects {WEST}")}


def test_versions_of_one_key_are_always_asked_about() -> None:
    five = Five(9)
    for region in REGIONS:
        (versions,) = [held for key, held in five.objects[region].items() if five.receipts[2].upload_id in key]
        versions.append(("old", (versions[0][1] or b"")[::-1]))
    assert found(five.prove(Scope(SOURCE, stored_checksums=0))) == {
        ("divergent", five.ids[2], f"objects {region}") for region in REGIONS
    }


def test_entry_in_another_hour_selects_all_leaves_of_its_digit() -> None:
    one, other = Entries("one"), Entries("other")
    for number in range(40):
        object_id = f"{number % 2}{number:063x}"
        one.add(object_id, "2026-01-31T11", "c")
        other.add(object_id, "2026-01-31T12" if number == 1 else "2026-01-31T11", "c")
    assert unequal_cells([one, other]) == [("2026-01-31T11", "1"), ("2026-01-31T12", "1")]
    assert unequal_leaves([one, other]) == {"100"}


def test_findings_beyond_the_reports_maximum_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof judges a few leaves at a time."""
    monkeypatch.setattr(proving, "MOST_AT_ONCE", 20)
    five = Five(150)
    for object_id in five.ids:
        no_replica(five, object_id)
    proof = five.prove()
    assert (proof.lost, len(proof.findings)) == (150, proving.MOST_FINDINGS)
    last = max(five.ids)
    site = Site(five, REGIONS, REGIONS)
    named = proving.prove_site(site, Scope(SOURCE), five.receipts, first=[last])
    assert named.findings[0].object_id == last


def test_object_still_in_process_is_read_again() -> None:
    five = _Late(12)
    proof = five.prove()
    assert (proof.equal, proof.findings) == (True, ())


class _Late(Five):
    """Returns the rows of one replica only from the second read on."""

    def __init__(self, uploads: int) -> None:
        super().__init__(uploads)
        self.all_rows = self.rows[WEST]
        self.rows[WEST] = {}
        self.scans = 0

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as boto3
        if (service, region) == ("dynamodb", WEST):
            self.scans += 1
            if self.scans > 1:
                self.rows[WEST] = self.all_rows
        return super().client(service, region)


def test_many_receipts_are_read_in_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.proof.reading._WORTH_SEGMENTS", 10)
    five = Five(30)
    expected = no_replica(five, five.ids[3])
    assert found(five.prove()) == expected


def test_changed_status_differs_between_two_snapshots() -> None:
    five = Five(9)
    before = five.snapshot()
    assert before.compare(five.snapshot()) == []
    changed, vanished, recorded = five.ids[1], five.ids[2], five.ids[5]
    for region in REGIONS:
        row = five.result(changed, region)
        five.rows[region][f"OBJ#{changed}", "RESULT"] = row | {"processed_at": {"S": "later"}}
        del five.rows[region][f"OBJ#{vanished}", "RESULT"]
        del five.rows[region][f"REC#{recorded}#000000", "0" * 12]
    findings = before.compare(five.snapshot())
    assert {(one.kind, one.object_id, one.where) for one in findings} == {
        ("divergent", object_id, f"ledger {region}") for object_id in (changed, vanished, recorded) for region in REGIONS
    }
    assert "vanished" in words(findings)


def test_new_row_since_a_snapshot_is_no_change(tmp_path: Path) -> None:
    five, more = Five(9), Five(12)
    path = tmp_path / "snapshot.json"
    five.snapshot().save(path)
    assert type(five.snapshot()).load(path).compare(more.snapshot()) == []
    assert type(five.snapshot()).load(path) == five.snapshot()


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b"\xff",
        b'{"rows": {"us-ea',
        b"[]",
        b"{}",
        b'{"rows": []}',
        b'{"rows": {"r": {"a": [1]}}}',
        b'{"rows": {"r": 1}}',
    ],
)
def test_torn_snapshot_is_refused(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(torn)
    with pytest.raises(RunFailure, match=r"snapshot\.json is not a snapshot") as raised:
        Snapshot.load(path)
    assert "Delete it" in raised.value.hint


def test_failed_write_of_a_snapshot_keeps_the_previous_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot.json"
    before = Five(3).snapshot()
    before.save(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        Five(9).snapshot().save(path)
    assert Snapshot.load(path) == before


# --- receipts ---------------------------------------------------------------------------------------------------


def line(state: str, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON has it
    return {"source": "s", "upload_id": "u", "sha256": "a" * 64, "key": "k", "size": 3, "state": state} | others


@pytest.mark.parametrize(
    ("lines", "certain"),
    [
        ([line("planned", sha256="")], []),
        ([line("begun")], [False]),
        ([line("begun"), line("failed")], [False]),
        ([line("begun"), line("accepted")], [True]),
        ([line("accepted"), line("missing")], [True]),
        ([line("begun"), line("processed", upload_id="other")], [False, True]),
    ],
)
def test_last_line_of_an_upload_counts(lines: Sequence[dict[str, Any]], certain: list[bool]) -> None:
    assert [receipt.is_certain for receipt in ReceiptRow.of_lines(lines)] == certain


def test_malformed_receipt_line_is_named() -> None:
    with pytest.raises(ValueError, match="line 2 of the receipts has no key, sha256"):
        ReceiptRow.of_lines([line("begun"), {"source": "s", "upload_id": "u", "state": "begun"}])


@pytest.mark.parametrize(
    ("upload_id", "hour", "moment"),
    [
        ("0199d0a0-0000-7000-8000-000000000000", "2025-10-11T00", "2025-10-11T00:16:10.752Z"),
        ("0199d0a0-0000-4000-8000-000000000000", NO_HOUR, None),
        ("", NO_HOUR, None),
        ("xxxxxxxx-0000-7000-8000-000000000000", NO_HOUR, None),
        ("ffffffff-ffff-7000-8000-000000000000", NO_HOUR, None),
    ],
)
def test_hour_is_that_of_the_upload_id(upload_id: str, hour: str, moment: str | None) -> None:
    assert (hour_of(upload_id), moment_of(upload_id)) == (hour, moment)
