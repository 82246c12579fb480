"""Test archives with rejections, objects without the issuer, and unreadable sources."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest

from drill.proof.effect import of_records, record_keys
from drill.proof.scope import ReceiptRow
from operations.ledger import object_id as identity
from unit_tests.drill.proof.five_sources import EAST, REGIONS, SOURCE, WEST, Five, found, words


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("s3", ("objects", "archive")),
        ("dynamodb", ("ledger",)),
        ("secretsmanager", ("receipts, keys in",)),
    ],
)
def test_source_that_cannot_be_read_is_named_and_not_equal(service: str, names: tuple[str, ...], region: str) -> None:
    five = Five(9)
    five.unreadable.add((service, region))
    proof = five.prove()
    assert set(proof.unread) == {f"{name} {region}" for name in names}
    assert not proof.equal
    assert found(proof) == set()


def test_unread_source_hides_no_damage_of_the_others() -> None:
    five = Five(9)
    five.unreadable.add(("s3", EAST))
    del five.objects[WEST][five.receipts[4].object_key]
    assert found(five.prove()) == {("lost", five.ids[4], f"objects {WEST}")}


def test_rotated_secret_verifies_nothing_of_its_region() -> None:
    five = Five(3)
    five.keys[WEST] = "w" * 44
    assert found(five.prove()) == {("divergent", one, "receipts") for one in five.ids}
    assert f"with the keys in {WEST}" in words(five.prove().findings)


@pytest.fixture
def rejecting() -> Five:
    """Return five uploads, one with two rejected records."""
    five = Five(5)
    number = 2
    receipt = five.receipts[number]
    five.receipts[number] = dataclasses.replace(receipt, records=4, rejected=(2, 3))
    for region in REGIONS:
        row = five.result(receipt.object_id, region)
        row["records"], row["rejected"] = {"N": "4"}, {"N": "2"}
        lines = b"".join(json.dumps({"ordinal": one}).encode() + b"\n" for one in (2, 3))
        five.archives[region][f"rejected/{receipt.object_id}.ndjson"] = lines
    return five


def test_archived_rejections_are_equal(rejecting: Five) -> None:
    assert rejecting.prove().equal


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("lines", "kind"),
    [(None, "lost"), (b'{"ordinal": 2}\n', "divergent"), (b'{"ordinal": 2}\n{"ordinal": 4}\n', "divergent")],
)
def test_rejections_that_an_archive_lacks_are_found(rejecting: Five, region: str, lines: bytes | None, kind: str) -> None:
    key = f"rejected/{rejecting.ids[2]}.ndjson"
    if lines is None:
        del rejecting.archives[region][key]
    else:
        rejecting.archives[region][key] = lines
    assert found(rejecting.prove()) == {(kind, rejecting.ids[2], f"archive {region}")}


def test_rejections_are_due_by_the_row_where_nobody_knows_the_file(rejecting: Five) -> None:
    unknown: dict[str, Any] = {"records": None, "accepted": None, "rejected": None, "effect": None, "is_unreadable": None}
    rejecting.receipts = [dataclasses.replace(one, **unknown) for one in rejecting.receipts]
    assert rejecting.prove().equal
    del rejecting.archives[EAST][f"rejected/{rejecting.ids[2]}.ndjson"]
    assert found(rejecting.prove()) == {("lost", rejecting.ids[2], f"archive {EAST}")}


KEY, VERSION, BODY = f"incoming/direct/{SOURCE}/{EAST}/000001.ndjson", "v-direct", b'{"n": 1}\n'


def put_directly(five: Five, object_id: str) -> None:
    """Add an object that was put without the issuer, processed under an identity."""
    sha256, record = hashlib.sha256(BODY).hexdigest(), {"M": {"n": {"N": "1"}}}
    effect = of_records(object_id, [(0, record)])
    receipt = ReceiptRow(SOURCE, "", sha256, KEY, len(BODY), version_id=VERSION, records=1, accepted=1, effect=effect)
    five.receipts.append(dataclasses.replace(receipt, rejected=(), is_unreadable=False))
    received = "2026-01-31T12:00:00.000Z"
    row: dict[str, Any] = {
        "pk": {"S": f"OBJ#{object_id}"},
        "sk": {"S": "RESULT"},
        "state": {"S": "COMPLETED"},
        "object_id": {"S": object_id},
        "source": {"S": "ingest"},
        "file_key": {"S": KEY.removeprefix("incoming/")},
        "object_key": {"S": KEY},
        "version_id": {"S": VERSION},
        "received_at": {"S": received},
        **{name: {"N": count} for name, count in (("accepted", "1"), ("rejected", "0"), ("records", "1"), ("epoch", "0"))},
        "effect_digest": {"S": effect},
        "region": {"S": EAST},
        "size": {"N": str(len(BODY))},
        "file_order": {"S": f"{received}#{object_id}"},
        "state_order": {"S": f"{received}#{object_id}"},
        "state_hour": {"S": f"COMPLETED#{received[:13]}#{int(object_id[:8], 16) % 4:02d}"},
    }
    pk, sk = record_keys(object_id, 0)
    one = {"pk": {"S": pk}, "sk": {"S": sk}, "object_id": {"S": object_id}, "ordinal": {"N": "0"}, "record": record}
    for region in REGIONS:
        five.objects[region][KEY] = [(VERSION, BODY)]
        five.rows[region][f"OBJ#{object_id}", "RESULT"] = row
        five.rows[region][pk, sk] = one


def test_direct_put_under_its_identity_is_equal() -> None:
    five = Five(4)
    put_directly(five, identity(KEY, VERSION))
    proof = five.prove()
    assert (proof.findings, proof.equal, proof.objects) == ((), True, 5)


@pytest.mark.parametrize("part", [f"ingest-{EAST}", "the-etag"])
def test_direct_put_under_another_identity_is_found(part: str) -> None:
    five = Five(4)
    other = hashlib.sha256(f"object\0ingest\0{KEY}\0{VERSION}\0{part}".encode()).hexdigest()
    put_directly(five, other)
    right = identity(KEY, VERSION)
    assert found(five.prove()) == {
        *(("lost", right, f"ledger {region}") for region in REGIONS),
        *(("duplicated", other, f"ledger {region}") for region in REGIONS),
    }


def test_direct_put_with_other_bytes_in_one_bucket_is_found() -> None:
    five = Five(4)
    put_directly(five, identity(KEY, VERSION))
    five.objects[WEST][KEY] = [(VERSION, BODY[::-1])]
    assert found(five.prove()) == {("divergent", identity(KEY, VERSION), f"objects {WEST}")}


def test_direct_put_that_one_bucket_lacks_is_lost() -> None:
    five = Five(4)
    put_directly(five, identity(KEY, VERSION))
    del five.objects[WEST][KEY]
    assert found(five.prove()) == {("lost", identity(KEY, VERSION), f"objects {WEST}")}
