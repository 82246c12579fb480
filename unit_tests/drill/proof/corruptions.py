"""Damage to the rows, objects or receipts of an upload, each with the findings that it must cause."""

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Final

from drill.proof.effect import of_records
from drill.proof.scope import ReceiptRow
from operations.attribute_values import Wire
from unit_tests.drill.proof.five_sources import EAST, REGIONS, WEST, Five, signed

Found = set[tuple[str, str, str]]
Damage = Callable[[Five, str], Found]
LEDGERS: Final = tuple(f"ledger {region}" for region in REGIONS)


def other_identity(object_id: str) -> str:
    """Return the identity of a sabotaged processor."""
    return hashlib.sha256(f"bucket {object_id}".encode()).hexdigest()


def _lost_objects(*regions: str) -> Damage:
    def damage(five: Five, object_id: str) -> Found:
        for region in regions:
            del five.objects[region][_key(five, object_id)]
        return {("lost", object_id, f"objects {region}") for region in regions}

    return damage


def _lost_results(*regions: str) -> Damage:
    def damage(five: Five, object_id: str) -> Found:
        for region in regions:
            del five.rows[region][f"OBJ#{object_id}", "RESULT"]
        return {("lost", object_id, f"ledger {region}") for region in regions}

    return damage


def _lost_archive(region: str, key: str) -> Damage:
    def damage(five: Five, object_id: str) -> Found:
        archived = five.archives[region].pop(key.format(object_id), None)
        return {("lost", object_id, f"archive {region}")} if archived else set()

    return damage


def _results(*regions: str, **changed: Wire) -> Damage:
    """Change attributes of RESULT."""

    def damage(five: Five, object_id: str) -> Found:
        for region in regions:
            _change(five, region, object_id, **changed)
        return {("divergent", object_id, f"ledger {region}") for region in regions}

    return damage


def _row(pk: str, sk: str, **attributes: Wire) -> Damage:
    """Add a row in both replicas."""

    def damage(five: Five, object_id: str) -> Found:
        keys = pk.format(object_id), sk
        for region in REGIONS:
            five.rows[region][keys] = {"pk": {"S": keys[0]}, "sk": {"S": sk}, "object_id": {"S": object_id}, **attributes}
        return _divergent_ledgers(object_id)

    return damage


def _receipts(change: Callable[[ReceiptRow], ReceiptRow | None], *wheres: str, kind: str = "divergent") -> Damage:
    """Change or remove the receipt."""

    def damage(five: Five, object_id: str) -> Found:
        five.receipts = [
            changed for one in five.receipts if (changed := change(one) if one.object_id == object_id else one) is not None
        ]
        return {(kind, object_id, where) for where in wheres}

    return damage


def _signed_anew(**other: str) -> Damage:
    return _receipts(lambda one: replace(one, signed=signed(one, **other)), "receipts")


def deleted(five: Five, object_id: str) -> Found:
    five.objects[EAST][_key(five, object_id)].insert(0, ("marker", None))
    return {("lost", object_id, f"objects {EAST}")}


def other_bytes(five: Five, object_id: str) -> Found:
    ((version_id, body),) = five.objects[WEST][_key(five, object_id)]
    assert body is not None
    five.objects[WEST][_key(five, object_id)] = [(version_id, body[::-1])]
    return {("divergent", object_id, f"objects {WEST}")}


def second_version_of_other_bytes(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        five.objects[region][_key(five, object_id)].append(("old", b"other"))
    return {("divergent", object_id, f"objects {region}") for region in REGIONS}


def two_receipts(five: Five, object_id: str) -> Found:
    five.receipts += [receipt for receipt in five.receipts if receipt.object_id == object_id]
    return {("duplicated", object_id, "receipts")}


def doubled_result(five: Five, object_id: str) -> Found:
    other = other_identity(object_id)
    for region in REGIONS:
        row = {**five.result(object_id, region), "pk": {"S": f"OBJ#{other}"}, "object_id": {"S": other}}
        five.rows[region][f"OBJ#{other}", "RESULT"] = row
    return {("duplicated", other, f"ledger {region}") for region in REGIONS}


def orphaned_record(five: Five, object_id: str) -> Found:
    other = other_identity(object_id)
    pk, sk = f"REC#{other}#000000", "0" * 12
    row = {"pk": {"S": pk}, "sk": {"S": sk}, "object_id": {"S": other}, "ordinal": {"N": "0"}, "record": {"M": {}}}
    five.rows[WEST][pk, sk] = row
    return {("duplicated", other, f"ledger {WEST}")}


def counter_in_a_record(five: Five, object_id: str) -> Found:
    """Add a counter of both regions beside an unchanged record."""
    pair = (f"REC#{object_id}#000000", "0" * 12)
    if pair not in five.rows[EAST]:
        return set()
    for region in REGIONS:
        five.rows[region][pair] = five.rows[region][pair] | {"seen": {"N": "2"}}
    return _divergent_ledgers(object_id)


def accepted_and_rejected_exchanged(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        accepted = int(five.result(object_id, region)["accepted"]["N"])
        if not accepted:
            return set()
        _change(five, region, object_id, accepted={"N": str(accepted - 1)}, rejected={"N": "1"})
    return _divergent_ledgers(object_id)


def record_beyond_the_last(five: Five, object_id: str) -> Found:
    """Move a record to an ordinal that the file lacks, with an effect and a count that agree."""
    pair = (f"REC#{object_id}#000000", "0" * 12)
    if pair not in five.rows[EAST]:
        return set()
    records = [
        (5 if pk_sk == pair else int(pk_sk[1]), row["record"])
        for pk_sk, row in five.rows[EAST].items()
        if pk_sk[0].startswith(f"REC#{object_id}")
    ]
    for region in REGIONS:
        row = five.rows[region].pop(pair)
        moved = row | {"sk": {"S": f"{5:012d}"}, "ordinal": {"N": "5"}}
        five.rows[region][pair[0], f"{5:012d}"] = moved
        _change(five, region, object_id, effect_digest={"S": of_records(object_id, records)})
    _receipts(lambda one: replace(one, effect=None))(five, object_id)
    return _divergent_ledgers(object_id)


def last_record_is_another(five: Five, object_id: str) -> Found:
    """Store another last record; counts, records and RESULT agree in both replicas, as after a wrong processor."""
    return _process_otherwise(five, object_id, lambda records: {**records, max(records): {"M": {"n": {"N": "0"}}}})


def last_record_rejected(five: Five, object_id: str) -> Found:
    """Reject the last record; counts, records and RESULT agree in both replicas."""
    return _process_otherwise(
        five, object_id, lambda records: {ordinal: one for ordinal, one in records.items() if ordinal != max(records)}
    )


def rejected_and_nobody_knows_the_content(five: Five, object_id: str) -> Found:
    _receipts(lambda one: replace(one, effect=None))(five, object_id)
    return last_record_rejected(five, object_id)


def _process_otherwise(five: Five, object_id: str, becomes: Callable[[dict[int, Wire]], dict[int, Wire]]) -> Found:
    """Change the records, and the counts and sums with them."""
    pk = f"REC#{object_id}#000000"
    for region in REGIONS:
        rows = five.rows[region]
        before = {int(sk): row["record"] for (held, sk), row in rows.items() if held == pk}
        if not before:
            return set()
        after = becomes(before)
        for ordinal in before:
            row = rows.pop((pk, f"{ordinal:012d}"))
            if ordinal in after:
                rows[pk, f"{ordinal:012d}"] = row | {"record": after[ordinal]}
        counts = {"accepted": {"N": str(len(after))}, "rejected": {"N": str(len(before) - len(after))}}
        _change(five, region, object_id, effect_digest={"S": of_records(object_id, after.items())}, **counts)
    return _divergent_ledgers(object_id)


def mutable_status(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        rest = five.result(object_id, region)["state_hour"]["S"].partition("#")[2]
        _change(five, region, object_id, state={"S": "PROCESSING"}, state_hour={"S": f"PROCESSING#{rest}"})
    return _divergent_ledgers(object_id)


def key_of_another_hour(five: Five, object_id: str) -> Found:
    """Change only the hour in the key, so that the leaf's digests are equal."""
    for region in REGIONS:
        key = five.result(object_id, region)["object_key"]["S"]
        parts = key.split("/")
        parts[3] = "1" + parts[3][1:]
        _change(five, region, object_id, object_key={"S": "/".join(parts)})
    return _divergent_ledgers(object_id)


def upload_row_in_one(five: Five, object_id: str) -> Found:
    del five.rows[EAST][f"OBJ#{object_id}", f"UPLOAD#{EAST}"]
    return {("divergent", object_id, f"ledger {EAST}")}


def other_archived_bytes(five: Five, object_id: str) -> Found:
    key = f"quarantined/{object_id}/object"
    if key not in five.archives[WEST]:
        return set()
    five.archives[WEST][key] += b"x"
    return {("divergent", object_id, f"archive {WEST}")}


def rejections_of_nothing(five: Five, object_id: str) -> Found:
    five.archives[EAST][f"rejected/{object_id}.ndjson"] = b'{"ordinal": 0}\n'
    return {("divergent", object_id, f"archive {EAST}")}


def _key(five: Five, object_id: str) -> str:
    return next(receipt.object_key for receipt in five.receipts if receipt.object_id == object_id)


def _change(five: Five, region: str, object_id: str, /, **changed: Wire) -> None:
    five.rows[region][f"OBJ#{object_id}", "RESULT"] = deepcopy(five.result(object_id, region)) | changed


def _divergent_ledgers(object_id: str) -> Found:
    return {("divergent", object_id, f"ledger {region}") for region in REGIONS}


def swallowed(five: Five, object_id: str) -> Found:
    """Leave only the receipt, which is certain."""
    no_object(five, object_id)
    for region in REGIONS:
        five.rows[region] = {pair: row for pair, row in five.rows[region].items() if object_id not in pair[0]}
    return {("lost", object_id, f"{kind} {region}") for kind in ("objects", "ledger") for region in REGIONS}


no_replica = _lost_objects(WEST)
no_object = _lost_objects(*REGIONS)
no_result = _lost_results(*REGIONS)

DAMAGES: Final[Mapping[str, Damage]] = {
    "no archived bytes": _lost_archive(WEST, "quarantined/{}/object"),
    "no archived note": _lost_archive(EAST, "quarantined/{}.json"),
    "other archived bytes": other_archived_bytes,
    "rejections of nothing": rejections_of_nothing,
    "forged receipt": _signed_anew(key="f" * 44),
    "receipt of another upload": _signed_anew(upload_id="another"),
    "unsigned receipt": _receipts(lambda one: replace(one, signed=""), "receipts"),
    "no receipt": _receipts(lambda _: None, "receipts", kind="lost"),
    "two receipts": two_receipts,
    "no replica": no_replica,
    "no object": no_object,
    "deleted": deleted,
    "other bytes": other_bytes,
    "second version of other bytes": second_version_of_other_bytes,
    "no result in one region": _lost_results(EAST),
    "no result": no_result,
    "swallowed": swallowed,
    "duplicated result": doubled_result,
    "orphaned record": orphaned_record,
    "record beyond the last ordinal": _row("REC#{}#000000", f"{9:012d}", ordinal={"N": "9"}, record={"M": {}}),
    "row among the records that is not one": _row("REC#{}#000000", f"{7:012d}", n={"N": "1"}),
    "counter beside RESULT": _row("OBJ#{}", "COUNT", n={"N": "1"}),
    "counter in a record": counter_in_a_record,
    "record moved beyond the last, with its effect": record_beyond_the_last,
    "last record is another": last_record_is_another,
    "last record rejected": last_record_rejected,
    "last record rejected, content unknown": rejected_and_nobody_knows_the_content,
    # Only the file's author knows of a record that was never counted.
    "fewer records than in the file": _receipts(lambda one: replace(one, records=(one.records or 0) + 1), *LEDGERS),
    "other effect than the file's": _receipts(lambda one: replace(one, effect="2" * 64), *LEDGERS),
    "other size than sent": _receipts(
        lambda one: replace(one, size=77_777), "receipts", *(f"objects {each}" for each in REGIONS)
    ),
    "accepted and rejected exchanged": accepted_and_rejected_exchanged,
    "rejected does not add up": _results(*REGIONS, rejected={"N": "3"}),
    "effect of nothing": _results(*REGIONS, effect_digest={"S": "1" * 64}),
    "mutable status": mutable_status,
    "counter in RESULT": _results(*REGIONS, seen={"N": "2"}),
    "other size": _results(*REGIONS, size={"N": "77777"}),
    "other file key": _results(*REGIONS, file_key={"S": "elsewhere"}),
    # One row for both regions' attempts counts what neither can count alone.
    "attempt of another region": _results(*REGIONS, region={"S": WEST}),
    "replicas differ": _results(WEST, processed_at={"S": "2026-01-31T13:00:00.000Z"}),
    "key of another hour": key_of_another_hour,
    "upload row in one region": upload_row_in_one,
}
