"""Test that the proof's code and the functions' code compute the same for everything that the functions can write."""

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drill.proof import effect, rows
from drill.proof.scope import NO_HOUR, ReceiptRow, UploadKey, hour_of, moment_of
from handlers.shared import object_keys, schema, timestamps
from handlers.shared.attribute_values import UnstorableError, attribute_map, canonical_text
from handlers.shared.effect import EffectDigest

NUMBERS = (
    st.integers(-(10**37), 10**37)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=6)
    | st.integers(-120, 120).map(lambda exponent: Decimal(17).scaleb(exponent))
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"])) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé ", min_size=1, max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.property
@given(
    records=st.lists(st.dictionaries(st.text("abcé ", min_size=1, max_size=4), VALUES, max_size=4), max_size=4),
    start=st.sampled_from([0, 999, 12_345]),
)
@example(records=[{"n": Decimal("1E+38")}, {"n": Decimal("-0.0")}, {"n": Decimal("1.50")}, {"n": 10**37}], start=0)
def test_effect_digest_equals_the_processors(records: list[dict[str, Any]], start: int) -> None:
    object_id = "b" * 64
    digest, stored = EffectDigest(), []
    for ordinal, record in enumerate(records, start=start):
        try:
            attribute, _ = attribute_map(record)
        except UnstorableError:
            continue
        digest.add(*schema.record_keys(object_id, ordinal), canonical_text(attribute).encode())
        stored.append((ordinal, as_answered(attribute)))
    assert effect.of_records(object_id, reversed(stored)) == digest.hexdigest()


def test_state_index_is_spread_over_as_many_keys_as_the_proof_expects() -> None:
    shards = {schema.state_hour("COMPLETED", "2026-01-01T00", f"{number:08x}{0:056x}") for number in range(4_096)}
    expected = {f"COMPLETED#2026-01-01T00#{shard:02d}" for shard in range(rows.STATE_INDEX_SHARDS)}
    assert shards == expected


def as_answered(attribute: dict[str, Any]) -> dict[str, Any]:
    """Return an attribute as a client returns it: bytes as bytes, and numbers in another notation."""
    ((kind, held),) = attribute.items()
    match kind:
        case "N":
            return {"N": f"{Decimal(held):f}"}
        case "B":
            return {"B": base64.b64decode(held)}
        case "M":
            return {"M": {name: as_answered(one) for name, one in reversed(held.items())}}
        case "L":
            return {"L": [as_answered(one) for one in held]}
        case _:
            return attribute


PARTS = st.text("abc019-é", min_size=1, max_size=5)


@pytest.mark.property
@given(source=PARTS, upload_id=st.uuids().map(str), file_key=st.text("ab/ é+", min_size=1, max_size=9))
def test_identity_and_key(source: str, upload_id: str, file_key: str) -> None:
    upload = object_keys.Upload(source, upload_id, "c" * 64, file_key)
    receipt = ReceiptRow(source, upload_id, "c" * 64, file_key)
    assert (receipt.object_key, receipt.object_id) == (upload.object_key, upload.object_id)
    assert UploadKey.parse(upload.object_key) == (source, upload_id, "c" * 64, file_key)


@pytest.mark.property
@given(key=st.text("ab/0", max_size=12) | st.text("ab/0", max_size=80).map(lambda text: f"incoming/uploads/{text}"))
def test_upload_keys_are_those_of_the_processor(key: str) -> None:
    assert (UploadKey.parse(key) is None) == (object_keys.Upload.parse(key) is None)


@pytest.mark.property
@given(milliseconds=st.integers(0, (1 << 48) - 1), tail=st.uuids(version=4))
def test_time_of_an_upload_id_equals_the_issuers(milliseconds: int, tail: Any) -> None:  # noqa: ANN401 - a UUID
    digits = f"{milliseconds:012x}"
    upload_id = f"{digits[:8]}-{digits[8:]}-7{str(tail)[15:]}"
    expected = timestamps.of_upload(upload_id)
    assert moment_of(upload_id) == expected
    assert hour_of(upload_id) == (timestamps.hour_of(expected) if expected else NO_HOUR)
