"""Compute the effect digest from the records, independently of the processor's code.

It is the sum modulo 2^256 of the SHA-256 of `<pk> NUL <sk> NUL <record>` of each record of an object. The record is its map
attribute as JSON: sorted keys, no spaces, only necessary escapes, binary as base64, and numbers as `canonical_number` writes
them. The processor states the digest in RESULT. The order of the records does not matter.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from operations.attribute_values import Wire, canonical

MODULUS: Final = 1 << 256
RECORDS_PER_PARTITION_KEY: Final = 1000


def of_records(object_id: str, records: Iterable[tuple[int, Wire]]) -> str:
    """Return the effect digest of an object from its records' ordinals and attribute maps."""
    total = sum(record_number(*record_keys(object_id, ordinal), record) for ordinal, record in records)
    return f"{total % MODULUS:064x}"


def record_keys(object_id: str, ordinal: int) -> tuple[str, str]:
    """Return the partition key and sort key of a record; ordinals count accepted and rejected records from 0."""
    return f"REC#{object_id}#{ordinal // RECORDS_PER_PARTITION_KEY:06d}", f"{ordinal:012d}"


def record_number(partition_key: str, sort_key: str, record: Wire) -> int:
    """Return the term of one record in its object's digest."""
    return number_of(f"{partition_key}\0{sort_key}\0{canonical_text(record)}")


def number_of(text: str) -> int:
    """Return the SHA-256 of a text as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def canonical_text(attribute: Wire) -> str:
    """Return the canonical text of an attribute value."""
    values = canonical(attribute)
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_base64)


def _base64(content: Any) -> str:  # noqa: ANN401 - a client answers bytes, boto3's resource its own Binary
    return base64.b64encode(bytes(content)).decode()
