"""The table's documented layout: families of rows, their attributes, and the regions that write them.

| pk                           | sk                                                    |
|------------------------------|-------------------------------------------------------|
| `OBJ#<object id>`            | `RESULT`, `ATTEMPT#<region>`, `REPLICA#<region>`, `UPLOAD#<region>` |
| `CLAIM#<source>#<upload id>` | `UPLOAD#<region>`                                     |
| `REC#<object id>#<n>`        | `<ordinal>`                                           |
| `CONTROL#<region>`           | `ACTIVE`                                              |
| `HEALTH#<region>`            | `READY`                                               |
| `HEARTBEAT#<region>`         | `LATEST`                                              |
| `DIGEST#<region>`            | `<YYYY-MM-DDTHH>#<first digit of the object id>`      |
| `OBSERVER#<region>`          | `MEMORY`                                              |
| `RECONCILER#<region>`        | `LATEST`                                              |
| `FORCE#<region>`             | `LATEST`                                              |
| `REPLICATION#<region>`       | `READY`                                               |

An ATTEMPT row may hold a `checkpoint` while its region writes a long file: a map of `ordinal`, `epoch` and
`processing_version`, and of nothing else.

No region owns a row of any other shape. It is probably a counter that both regions write: a global table keeps the last
write and drops the other one.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from enum import StrEnum
from typing import Any, Final, NamedTuple

from drill.proof.effect import RECORDS_PER_PARTITION_KEY
from drill.proof.scope import DIRECT, UploadKey, hour_of, moment_of
from operations.attribute_values import Wire
from operations.ledger import object_id as identity

Row = dict[str, Wire]

NO_RECORDS: Final = "0" * 64
STATES: Final = frozenset({"COMPLETED", "QUARANTINED"})
STATE_INDEX_SHARDS: Final = 4
"""Number of partition keys of the state index for an hour; a test compares it with the platform's number."""

_RESULT_ATTRIBUTES: Final = frozenset(
    {
        *("pk", "sk", "state", "object_id", "source", "file_key", "object_key", "received_at", "accepted", "rejected"),
        *("records", "effect_digest", "region", "epoch", "version_id", "size", "format", "compression", "reason"),
        *("processed_at", "file_order", "state_hour", "state_order", "processing_version"),
    }
)
_RECORD_ATTRIBUTES: Final = frozenset({"pk", "sk", "object_id", "ordinal", "record", "processing_version"})
_EXPIRY: Final = frozenset({"expires_at"})
"""Attribute of a canary's rows, which expire after some weeks. No other rows of objects expire."""
_CHECKPOINT: Final = {
    **dict.fromkeys(("ordinal", "epoch", "accepted", "rejected", "place", "start", "line"), "N"),
    **dict.fromkeys(("processing_version", "version_id", "effect_digest"), "S"),
    "is_read": "BOOL",
}
_CANARY: Final = {"S": "canary"}

_OBJECT: Final = re.compile(r"OBJ#([0-9a-f]{64})")
_RECORD: Final = re.compile(r"REC#([0-9a-f]{64})#([0-9]{6})")
_first: Final = operator.itemgetter(0)
_ORDINAL: Final = re.compile(r"[0-9]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST_KEY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}#[0-9a-f]")
_SINGLE: Final = {
    "CONTROL": "ACTIVE",
    "HEALTH": "READY",
    "HEARTBEAT": "LATEST",
    "OBSERVER": "MEMORY",
    "RECONCILER": "LATEST",
    "FORCE": "LATEST",
    "REPLICATION": "READY",
}


class Family(StrEnum):
    """The family of a row, by its keys."""

    RESULT = "RESULT"
    ATTEMPT = "ATTEMPT"
    REPLICA = "REPLICA"
    UPLOAD = "UPLOAD"
    CLAIM = "CLAIM"
    RECORD = "REC"
    REGIONS_OWN = "a region's own"


class Place(NamedTuple):
    """Where a row belongs."""

    family: Family
    object_id: str
    """Empty for a row without an object."""


def place(row: Row, regions: tuple[str, ...]) -> Place | None:
    """Return a row's family and object; None for an undocumented row, or for a row in another region's name."""
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    if pk.startswith("REC#"):
        matched = _RECORD.fullmatch(pk)
        fits = matched and _ORDINAL.fullmatch(sk) and int(sk) // RECORDS_PER_PARTITION_KEY == int(matched[2])
        return Place(Family.RECORD, matched[1]) if matched and fits else None
    if pk.startswith("OBJ#"):
        matched = _OBJECT.fullmatch(pk)
        return _of_object(matched[1], sk, row, regions) if matched else None
    kind, _, rest = pk.partition("#")
    if kind == "CLAIM":
        return _claim(rest, sk, row, regions)
    if kind == "DIGEST":
        return _own(rest in regions and _DIGEST_KEY.fullmatch(sk) is not None)
    return _own(_SINGLE.get(kind) == sk and rest in regions)


def _of_object(object_id: str, sk: str, row: Row, regions: tuple[str, ...]) -> Place | None:
    if sk == Family.RESULT:
        return Place(Family.RESULT, object_id)
    kind, _, region = sk.partition("#")
    if region not in regions or not _is_of(row, region):
        return None
    if kind in {Family.ATTEMPT, Family.REPLICA}:
        return Place(Family(kind), object_id) if _checkpoint_is_sound(row) else None
    return Place(Family.UPLOAD, object_id) if kind == Family.UPLOAD else None


def _checkpoint_is_sound(row: Row) -> bool:
    held = row.get("checkpoint", {"M": {name: {kind: ""} for name, kind in _CHECKPOINT.items()}}).get("M", {})
    return {name: next(iter(value)) for name, value in held.items()} == _CHECKPOINT


def _claim(rest: str, sk: str, row: Row, regions: tuple[str, ...]) -> Place | None:
    source, _, upload_id = rest.rpartition("#")
    kind, _, region = sk.partition("#")
    sha256 = text(row, "claimed_sha256")
    if not (source and sha256) or kind != Family.UPLOAD or region not in regions or not _is_of(row, region):
        return None
    return Place(Family.CLAIM, identity(UploadKey(source, upload_id, sha256, "-").object_key, ""))


def _own(fits: bool) -> Place | None:  # noqa: FBT001 - its one argument
    return Place(Family.REGIONS_OWN, "") if fits else None


def _is_of(row: Row, region: str) -> bool:
    """Return whether a row's attribute `region`, if it has one, equals the region in its key."""
    return "region" not in row or text(row, "region") == region


def text(row: Row, name: str) -> str:
    """Return an attribute's text; empty if it is absent or not text."""
    return str(row.get(name, {}).get("S", ""))


def count(row: Row, name: str) -> int | None:
    """Return an attribute as a whole number from 0; None if it is absent or anything else."""
    held = str(row.get(name, {}).get("N", ""))
    return int(held) if held.isascii() and held.isdigit() else None


def quick_hash_of(row: Row) -> int:
    """Return a hash of a row as a number, faster than `hash_of`.

    It takes half the time. If two replicas return a map's names in different orders, it differs, and the row is read again.
    """
    return int.from_bytes(hashlib.sha256(repr(sorted(row.items(), key=_first)).encode()).digest(), "big")


def hash_of(row: Row) -> int:
    """Return a hash of a row as a number, independent of the order of names."""
    content = json.dumps(row, sort_keys=True, separators=(",", ":"), default=repr)
    return int.from_bytes(hashlib.sha256(content.encode()).digest(), "big")


def record_is_sound(row: Row, object_id: str) -> bool:
    """Return whether a record's row has exactly the required attributes."""
    return (
        (row.keys() - _EXPIRY) | {"processing_version"} == _RECORD_ATTRIBUTES  # rows of an older release lack this attribute
        and text(row, "object_id") == object_id
        and count(row, "ordinal") == int(row["sk"]["S"])
        and "M" in row["record"]
    )


def result_problems(row: Row, object_id: str, regions: tuple[str, ...]) -> list[str]:
    """Return a text for each attribute of a RESULT row that contradicts its own key or its object's key."""
    key = UploadKey.parse(text(row, "object_key"))
    if key is None and not text(row, "object_key").startswith(DIRECT):
        return [f"its object_key {text(row, 'object_key')!r} is not an upload's"]
    expected = _derived(row, key, object_id) if key else _derived_of_direct(row, object_id)
    problems = [
        f"{name} is {_shown(row.get(name))} and should be {value!r}"
        for name, value in expected.items()
        if row.get(name) != {"S": value}
    ]
    known = _RESULT_ATTRIBUTES | (_EXPIRY if row.get("source") == _CANARY else set())
    problems += [f"{name} is no attribute of a RESULT row" for name in sorted(row.keys() - known)]
    if text(row, "state") not in STATES:
        problems.append(f"state is {_shown(row.get('state'))} and should be COMPLETED or QUARANTINED")
    if text(row, "region") not in regions:
        problems.append(f"region is {_shown(row.get('region'))} and should be one of {', '.join(regions)}")
    return problems + _count_problems(row)


def _derived(row: Row, key: UploadKey, object_id: str) -> dict[str, str]:
    received_at = moment_of(key.upload_id) or text(row, "received_at")
    return {
        "object_key": key.object_key if identity(key.object_key, "") == object_id else "that of this identity's upload",
        "source": key.source,
        "file_key": key.file_key,
        **_orders(row, received_at, object_id),
    }


def _derived_of_direct(row: Row, object_id: str) -> dict[str, str]:
    key, version_id = text(row, "object_key"), text(row, "version_id")
    return {
        "object_key": key if identity(key, version_id) == object_id else "that of this identity's object and version",
        "source": "ingest",
        "file_key": key.removeprefix("incoming/"),
        **_orders(row, text(row, "received_at"), object_id),
    }


def _orders(row: Row, received_at: str, object_id: str) -> dict[str, str]:
    hour, order = received_at[:13], f"{received_at}#{object_id}"
    return {
        "object_id": object_id,
        "received_at": received_at,
        "file_order": order,
        "state_order": order,
        "state_hour": f"{text(row, 'state')}#{hour}#{int(object_id[:8], 16) % STATE_INDEX_SHARDS:02d}",
    }


def _count_problems(row: Row) -> list[str]:
    accepted, rejected, records = (count(row, name) for name in ("accepted", "rejected", "records"))
    if accepted is None or rejected is None or records is None:
        return ["accepted, rejected or records is not a whole number"]
    problems = []
    if accepted + rejected != records:
        problems.append(f"records is {records} and should be accepted + rejected, {accepted + rejected}")
    if not _DIGEST.fullmatch(text(row, "effect_digest")):
        problems.append(f"effect_digest is {_shown(row.get('effect_digest'))} and should be 64 hexadecimal digits")
    if text(row, "state") == "QUARANTINED" and (records or text(row, "effect_digest") != NO_RECORDS):
        problems.append("it is QUARANTINED and has records")
    return problems


def hour_of_row(row: Row) -> str:
    """Return the hour of a RESULT row, by the upload id in its object key."""
    key = UploadKey.parse(text(row, "object_key"))
    return hour_of(key.upload_id if key else "")


def _shown(value: Any) -> str:  # noqa: ANN401 - an attribute value, or None
    return "absent" if value is None else repr(next(iter(value.values())))[:120]
