"""Test attribute values: exact, within DynamoDB's limits, in one canonical form. This cannot prove that AWS accepts them."""

import base64
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.shared.attribute_values import (
    MAXIMUM_DEPTH,
    MAXIMUM_DIGITS,
    UnstorableError,
    attribute_map,
    canonical_number,
    canonical_number_text,
    canonical_text,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
# DynamoDB's documented limits: 38 digits, and 1E-130 to 9.9E+125.
numbers = st.builds(
    lambda digits, exponent, sign: Decimal((sign, tuple(map(int, digits)), exponent - len(digits) + 1)),
    digits=st.from_regex(r"[1-9][0-9]{0,37}", fullmatch=True),
    exponent=st.integers(-130, 125),
    sign=st.sampled_from([0, 1]),
)
scalars = st.none() | st.booleans() | texts | numbers | st.integers(-(10**37), 10**37) | st.binary(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter(bool), inner, max_size=4),
    max_leaves=12,
)
records = st.dictionaries(texts.filter(bool), values, max_size=5)


def read_back(record: dict[str, Any]) -> Any:  # noqa: ANN401 - what boto3 makes of it
    """Return a record as boto3 reads it after the processor has spooled and written it."""
    return TypeDeserializer().deserialize(with_bytes(json.loads(canonical_text(attribute_map(record)[0]))))


def with_bytes(attribute: Any) -> Any:  # noqa: ANN401 - an attribute value
    ((kind, value),) = attribute.items()
    if kind == "B":
        return {"B": base64.b64decode(value)}
    if kind == "L":
        return {"L": [with_bytes(one) for one in value]}
    return {"M": {name: with_bytes(one) for name, one in value.items()}} if kind == "M" else attribute


def as_boto3_reads(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, bytes):
        return value
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, list):
        return [as_boto3_reads(one) for one in value]
    return {name: as_boto3_reads(one) for name, one in value.items()}


def nested(levels: int, *, lists: bool) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value] if lists else {"a": value}
    return {"a": value}


@pytest.mark.property
@given(record=records)
@example(record={"n": Decimal("1" * 38), "m": -(10**37), "o": Decimal("9.9e125"), "p": Decimal("1e-130")})
@example(record={"mixed": [1, "1", Decimal("1.50"), True, None, [], {}, "", b"\0"]})
@example(record={"B": "x", "S": {"B": "y"}, "N": {"N": 1}})
def test_attribute_map_reads_back_as_the_value(record: dict[str, Any]) -> None:
    back = read_back(record)
    assert {name: inner if not hasattr(inner, "value") else inner.value for name, inner in back.items()} == as_boto3_reads(
        record
    )


@pytest.mark.property
@given(number=numbers | st.integers(-(10**37), 10**37).map(Decimal), zeros=st.integers(0, 3))
@example(number=Decimal(100), zeros=0)
@example(number=Decimal("-0.0"), zeros=0)
def test_number_has_one_canonical_text(number: Decimal, zeros: int) -> None:
    text = canonical_number(number)
    assert Decimal(text) == number
    plain = f"{number:f}"
    longer = plain + ("." if "." not in plain else "") + "0" * zeros
    written = [Decimal(plain), Decimal(f"{number:E}"), Decimal(longer)]
    assert {canonical_number(one) for one in written} == {text}
    padded = "-" * plain.startswith("-") + "0" * zeros + plain.lstrip("-")
    texts = [plain, padded, longer, text, f"{number:E}"]
    assert {canonical_number_text(one) for one in texts} == {text}, "whatever text DynamoDB answers with"
    assert not text.startswith("-0") or number
    if number == int(number) and abs(number) < 10**MAXIMUM_DIGITS:
        assert attribute_map({"n": int(number)})[0]["M"]["n"]["N"] == text, "an int and a Decimal are one number"


@pytest.mark.property
@given(record=records)
def test_canonical_text_is_independent_of_key_order(record: dict[str, Any]) -> None:
    turned = dict(reversed(record.items()))
    assert canonical_text(attribute_map(turned)[0]) == canonical_text(attribute_map(record)[0])
    assert "\n" not in canonical_text(attribute_map(record)[0]), "a spooled record is one line"


@pytest.mark.property
@given(number=st.integers(10**38, 10**60).filter(lambda number: number % 10) | st.sampled_from([10**126, -(10**5000)]))
def test_number_that_would_be_rounded_is_refused(number: int) -> None:
    with pytest.raises(UnstorableError, match=r"digits|range"):
        attribute_map({"a": number})


@pytest.mark.parametrize(
    "number",
    [
        *(math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")),
        *(Decimal("1e126"), Decimal("9.99e-131"), Decimal("1e999999"), Decimal("0." + "1" * 39), 1e300),
    ],
    ids=str,
)
def test_number_out_of_range_is_refused_with_its_place(number: object) -> None:
    with pytest.raises(UnstorableError, match=r"at 'a\.b\[1\]'"):
        attribute_map({"a": {"b": [0, number]}})


@pytest.mark.parametrize("lists", [False, True])
def test_nesting_beyond_32_levels_is_refused(lists: bool) -> None:  # noqa: FBT001 - one of two kinds
    attribute_map(nested(MAXIMUM_DEPTH - 1, lists=lists))
    for levels in (MAXIMUM_DEPTH, MAXIMUM_DEPTH + 1, 5000):
        with pytest.raises(UnstorableError, match="nested too deeply"):
            attribute_map(nested(levels, lists=lists))


def test_value_that_contains_itself_is_refused() -> None:
    record: dict[str, Any] = {}
    record["self"] = record
    with pytest.raises(UnstorableError, match="nested too deeply"):
        attribute_map(record)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"": 1}, "a key is empty"),
        ({"a": {"": 1}}, "a key at 'a' is empty"),
        ({1: 1}, "keys are text"),
        ({"a" * 65_536: 1}, "bytes long"),
        ({"a": "\ud800"}, "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({"a": {1, 2}}, "is a set"),
        ({"a": object()}, "is a object"),
    ],
)
def test_unstorable_value_is_refused(record: dict[str, Any], says: str) -> None:
    with pytest.raises(UnstorableError, match=says):
        attribute_map(record)


@pytest.mark.property
@given(record=records)
def test_size_is_at_least_the_size_that_dynamodb_counts(record: dict[str, Any]) -> None:
    assert attribute_map(record)[1] >= dynamodb_bytes(record)


def dynamodb_bytes(value: Any) -> int:  # noqa: ANN401 - any value
    """Count bytes by the sizing rules of the DynamoDB Developer Guide."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, int | Decimal):
        digits = "".join(map(str, Decimal(value).normalize().as_tuple().digits)).strip("0")
        return math.ceil(len(digits) / 2) + 1
    if isinstance(value, list):
        return 3 + sum(1 + dynamodb_bytes(one) for one in value)
    return 3 + sum(len(name.encode()) + 1 + dynamodb_bytes(one) for name, one in value.items())
