"""Ways in which one upload's rows, objects or receipts can be wrong, each with what must be found of it."""

import dataclasses
import hashlib
from collections.abc import Callable
from copy import deepcopy
from typing import Final

from drill.proof.effect import of_records
from operations.attribute_values import Wire
from unit_tests.drill.proof.five_sources import EAST, REGIONS, WEST, Five, signed

Found = set[tuple[str, str, str]]
Damage = Callable[[Five, str], Found]


def other_identity(object_id: str) -> str:
    """Return the identity that a sabotaged processor gives."""
    return hashlib.sha256(f"bucket {object_id}".encode()).hexdigest()


def no_replica(five: Five, object_id: str) -> Found:
    del five.objects[WEST][_key(five, object_id)]
    return {("lost", object_id, f"objects {WEST}")}


def no_object(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        del five.objects[region][_key(five, object_id)]
    return {("lost", object_id, f"objects {region}") for region in REGIONS}


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


def no_receipt(five: Five, object_id: str) -> Found:
    five.receipts = [receipt for receipt in five.receipts if receipt.object_id != object_id]
    return {("lost", object_id, "receipts")}


def two_receipts(five: Five, object_id: str) -> Found:
    five.receipts += [receipt for receipt in five.receipts if receipt.object_id == object_id]
    return {("duplicated", object_id, "receipts")}


def no_result_in_one(five: Five, object_id: str) -> Found:
    del five.rows[EAST][f"OBJ#{object_id}", "RESULT"]
    return {("lost", object_id, f"ledger {EAST}")}


def no_result(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        del five.rows[region][f"OBJ#{object_id}", "RESULT"]
    return {("lost", object_id, f"ledger {region}") for region in REGIONS}


def swallowed(five: Five, object_id: str) -> Found:
    """Nothing but the receipt is left, and that is certain."""
    no_object(five, object_id)
    for region in REGIONS:
        five.rows[region] = {pair: row for pair, row in five.rows[region].items() if object_id not in pair[0]}
    return {("lost", object_id, f"{kind} {region}") for kind in ("objects", "ledger") for region in REGIONS}


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


def added_record(five: Five, object_id: str) -> Found:
    """Beyond the last ordinal."""
    for region in REGIONS:
        pk, sk = f"REC#{object_id}#000000", f"{9:012d}"
        row = {"pk": {"S": pk}, "sk": {"S": sk}, "object_id": {"S": object_id}, "ordinal": {"N": "9"}, "record": {"M": {}}}
        five.rows[region][pk, sk] = row
    return _divergent_ledgers(object_id)


def effect_of_nothing(five: Five, object_id: str) -> Found:
    """RESULT states another effect, in both replicas alike."""
    for region in REGIONS:
        _change(five, region, object_id, "effect_digest", {"S": "1" * 64})
    return _divergent_ledgers(object_id)


def fewer_records_than_the_file(five: Five, object_id: str) -> Found:
    """Only the file's author knows of a record that was never counted."""
    for number, receipt in enumerate(five.receipts):
        if receipt.object_id == object_id:
            five.receipts[number] = dataclasses.replace(receipt, records=(receipt.records or 0) + 1)
    return _divergent_ledgers(object_id)


def other_effect_than_the_files(five: Five, object_id: str) -> Found:
    for number, receipt in enumerate(five.receipts):
        if receipt.object_id == object_id:
            five.receipts[number] = dataclasses.replace(receipt, effect="2" * 64)
    return _divergent_ledgers(object_id)


def other_size_than_sent(five: Five, object_id: str) -> Found:
    for number, receipt in enumerate(five.receipts):
        if receipt.object_id == object_id:
            five.receipts[number] = dataclasses.replace(receipt, size=77_777)
    return {("divergent", object_id, where) for where in ("receipts", *(f"objects {region}" for region in REGIONS))}


def odd_record(five: Five, object_id: str) -> Found:
    """A row among the records that is none."""
    pk, sk = f"REC#{object_id}#000000", f"{7:012d}"
    for region in REGIONS:
        five.rows[region][pk, sk] = {"pk": {"S": pk}, "sk": {"S": sk}, "n": {"N": "1"}}
    return _divergent_ledgers(object_id)


def counter_in_a_record(five: Five, object_id: str) -> Found:
    """The record is as it was; beside it both regions count."""
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
        _change(five, region, object_id, "accepted", {"N": str(accepted - 1)})
        _change(five, region, object_id, "rejected", {"N": "1"})
    return _divergent_ledgers(object_id)


def rejected_that_does_not_add_up(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        _change(five, region, object_id, "rejected", {"N": "3"})
    return _divergent_ledgers(object_id)


def record_beyond_the_last(five: Five, object_id: str) -> Found:
    """RESULT and records agree on effect and count, and still the file has no such ordinal."""
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
        _change(five, region, object_id, "effect_digest", {"S": of_records(object_id, records)})
    for number, receipt in enumerate(five.receipts):
        if receipt.object_id == object_id:
            five.receipts[number] = dataclasses.replace(receipt, effect=None)
    return _divergent_ledgers(object_id)


def last_record_is_another(five: Five, object_id: str) -> Found:
    """Of a processor that is wrong always: counts, records and RESULT agree, in both replicas."""
    return _process_otherwise(five, object_id, lambda records: {**records, max(records): {"M": {"n": {"N": "0"}}}})


def last_record_rejected(five: Five, object_id: str) -> Found:
    """Likewise, and it says that it did."""
    return _process_otherwise(
        five, object_id, lambda records: {ordinal: one for ordinal, one in records.items() if ordinal != max(records)}
    )


def rejected_and_nobody_knows_the_content(five: Five, object_id: str) -> Found:
    for number, receipt in enumerate(five.receipts):
        if receipt.object_id == object_id:
            five.receipts[number] = dataclasses.replace(receipt, effect=None)
    return last_record_rejected(five, object_id)


def _process_otherwise(five: Five, object_id: str, becomes: Callable[[dict[int, Wire]], dict[int, Wire]]) -> Found:
    """Let the records be others, and all that is counted and summed follow them."""
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
        _change(five, region, object_id, "accepted", {"N": str(len(after))})
        _change(five, region, object_id, "rejected", {"N": str(len(before) - len(after))})
        _change(five, region, object_id, "effect_digest", {"S": of_records(object_id, after.items())})
    return _divergent_ledgers(object_id)


def mutable_status(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        _change(five, region, object_id, "state", {"S": "PROCESSING"})
    return _divergent_ledgers(object_id)


def counter_in_the_result(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        _change(five, region, object_id, "seen", {"N": "2"})
    return _divergent_ledgers(object_id)


def other_size(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        _change(five, region, object_id, "size", {"N": "77777"})
    return _divergent_ledgers(object_id)


def other_file_key(five: Five, object_id: str) -> Found:
    for region in REGIONS:
        _change(five, region, object_id, "file_key", {"S": "elsewhere"})
    return _divergent_ledgers(object_id)


def key_of_another_hour(five: Five, object_id: str) -> Found:
    """The digests of the leaf are the same; only the hour differs."""
    for region in REGIONS:
        key = five.result(object_id, region)["object_key"]["S"]
        parts = key.split("/")
        parts[3] = "1" + parts[3][1:]
        _change(five, region, object_id, "object_key", {"S": "/".join(parts)})
    return _divergent_ledgers(object_id)


def replicas_differ(five: Five, object_id: str) -> Found:
    _change(five, WEST, object_id, "processed_at", {"S": "2026-01-31T13:00:00.000Z"})
    return {("divergent", object_id, f"ledger {WEST}")}


def upload_row_in_one(five: Five, object_id: str) -> Found:
    del five.rows[EAST][f"OBJ#{object_id}", f"UPLOAD#{EAST}"]
    return {("divergent", object_id, f"ledger {EAST}")}


def attempt_of_another(five: Five, object_id: str) -> Found:
    """One row for both regions' attempts: it counts what neither can count alone."""
    for region in REGIONS:
        _change(five, region, object_id, "region", {"S": WEST})
    return _divergent_ledgers(object_id)


def counter_beside_the_result(five: Five, object_id: str) -> Found:
    pk, sk = f"OBJ#{object_id}", "COUNT"
    for region in REGIONS:
        five.rows[region][pk, sk] = {"pk": {"S": pk}, "sk": {"S": sk}, "n": {"N": "1"}}
    return _divergent_ledgers(object_id)


def no_archived_bytes(five: Five, object_id: str) -> Found:
    archived = five.archives[WEST].pop(f"quarantined/{object_id}/object", None)
    return {("lost", object_id, f"archive {WEST}")} if archived else set()


def no_archived_note(five: Five, object_id: str) -> Found:
    archived = five.archives[EAST].pop(f"quarantined/{object_id}.json", None)
    return {("lost", object_id, f"archive {EAST}")} if archived else set()


def other_archived_bytes(five: Five, object_id: str) -> Found:
    key = f"quarantined/{object_id}/object"
    if key not in five.archives[WEST]:
        return set()
    five.archives[WEST][key] += b"x"
    return {("divergent", object_id, f"archive {WEST}")}


def rejections_of_nothing(five: Five, object_id: str) -> Found:
    five.archives[EAST][f"rejected/{object_id}.ndjson"] = b'{"ordinal": 0}\n'
    return {("divergent", object_id, f"archive {EAST}")}


def forged_receipt(five: Five, object_id: str) -> Found:
    return _signed_anew(five, object_id, key="f" * 44)


def receipt_of_another_upload(five: Five, object_id: str) -> Found:
    return _signed_anew(five, object_id, upload_id="another")


def unsigned_receipt(five: Five, object_id: str) -> Found:
    _replace_receipt(five, object_id, signed="")
    return {("divergent", object_id, "receipts")}


def _signed_anew(five: Five, object_id: str, **other: str) -> Found:
    receipt = next(one for one in five.receipts if one.object_id == object_id)
    _replace_receipt(five, object_id, signed=signed(receipt, **other))
    return {("divergent", object_id, "receipts")}


def _replace_receipt(five: Five, object_id: str, **changes: str) -> None:
    five.receipts = [dataclasses.replace(one, **changes) if one.object_id == object_id else one for one in five.receipts]  # type: ignore[arg-type]


DAMAGES: Final[tuple[Damage, ...]] = (
    no_archived_bytes,
    no_archived_note,
    other_archived_bytes,
    rejections_of_nothing,
    forged_receipt,
    receipt_of_another_upload,
    unsigned_receipt,
    no_replica,
    no_object,
    deleted,
    other_bytes,
    second_version_of_other_bytes,
    no_receipt,
    two_receipts,
    no_result_in_one,
    no_result,
    swallowed,
    doubled_result,
    orphaned_record,
    added_record,
    effect_of_nothing,
    fewer_records_than_the_file,
    other_effect_than_the_files,
    other_size_than_sent,
    odd_record,
    counter_in_a_record,
    accepted_and_rejected_exchanged,
    rejected_that_does_not_add_up,
    record_beyond_the_last,
    last_record_is_another,
    last_record_rejected,
    rejected_and_nobody_knows_the_content,
    mutable_status,
    counter_in_the_result,
    other_size,
    other_file_key,
    key_of_another_hour,
    replicas_differ,
    upload_row_in_one,
    attempt_of_another,
    counter_beside_the_result,
)


def _key(five: Five, object_id: str) -> str:
    return next(receipt.object_key for receipt in five.receipts if receipt.object_id == object_id)


def _change(five: Five, region: str, object_id: str, name: str, value: dict[str, str]) -> None:
    row = deepcopy(five.result(object_id, region))
    row[name] = value
    five.rows[region][f"OBJ#{object_id}", "RESULT"] = row


def _divergent_ledgers(object_id: str) -> Found:
    return {("divergent", object_id, f"ledger {region}") for region in REGIONS}
