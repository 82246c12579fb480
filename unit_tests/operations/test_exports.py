"""Exported tables hold every value of every record, whatever the types of a column are."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from operations.attribute_values import as_json, canonical, to_wire
from operations.errors import Refused
from operations.exports import as_parquet

_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda one: len(one.as_tuple().digits) <= 38 and -130 <= one.adjusted() < 126
)
_WHOLE = st.integers(-(10**38) + 1, 10**38 - 1).filter(lambda one: len(str(abs(one)).rstrip("0")) <= 38)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | _WHOLE | st.integers(-(2**63) - 1, 2**63) | _NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_RECORDS = st.lists(st.dictionaries(st.sampled_from("abc"), _VALUES), max_size=6).filter(
    lambda records: any(records) or not records
)


def _table(records: list[dict[str, Any]]) -> pa.Table:
    lines = [as_json(to_wire(record)).encode() + b"\n" for record in records]
    with tempfile.TemporaryFile() as spool:
        return parquet.read_table(io.BytesIO(b"".join(as_parquet(lines, spool))))


@given(_RECORDS)
@example([{"a": Decimal("1E+125")}, {"a": Decimal("1E-130")}, {"a": 1}])
@example([{"a": 2**63}, {"a": -(2**63)}])
@example([{"a": "1"}, {"a": 1}, {"a": None}])
def test_parquet_holds_every_value(records: list[dict[str, Any]]) -> None:
    table = _table(records)
    assert table.num_rows == len(records)
    for name, column in zip(table.column_names, table.columns, strict=True):
        for record, held in zip(records, column.to_pylist(), strict=True):
            value = json.loads(held, parse_float=Decimal) if isinstance(column.type, pa.JsonType) and held else held
            assert canonical(to_wire(value)) == canonical(to_wire(record.get(name)))
            assert held is not None or record.get(name) is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, -(2**63), 2**63 - 1, None], "int64"),
        ([1, 2**63], "decimal128(19, 0)"),
        ([Decimal("-0.05"), 10], "decimal128(4, 2)"),
        ([10**36 + 1, Decimal("0.1")], "decimal128(38, 1)"),
        ([10**37, Decimal("0.1")], "extension<arrow.json>"),
        (["a", None], "string"),
        ([True], "bool"),
        ([True, 1], "extension<arrow.json>"),
        ([[1]], "extension<arrow.json>"),
        ([None], "string"),
    ],
)
def test_parquet_type_is_the_narrowest_that_loses_nothing(values: list[Any], kind: str) -> None:
    assert str(_table([{"a": value} for value in values]).schema.field("a").type) == kind


def test_records_without_fields_are_refused_as_parquet() -> None:
    with pytest.raises(Refused, match="without columns has no rows"):
        _table([{}])


def test_missing_pyarrow_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Refused, match="not installed") as refusal:
        _table([{"a": 1}])
    assert "pipx install" in str(refusal.value.hint)
