"""Records as a table, with a column for each field of any record: CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, Final

from operations.attribute_values import Wire, as_json, to_wire
from operations.errors import Refused

if TYPE_CHECKING:
    import pyarrow as pa

_NULL: Final[Wire] = {"NULL": True}
_ROWS_OF_A_GROUP: Final = 10_000
_INT64: Final = range(-(2**63), 2**63)
_DECIMAL_DIGITS: Final = 38
"""Digits of the largest decimal that most readers of Parquet know: https://docs.aws.amazon.com/athena/latest/ug/data-types.html"""


def as_csv(lines: Iterable[bytes], spool: IO[bytes]) -> Iterator[bytes]:
    """Yield records as CSV of RFC 4180: nothing for null, JSON for lists and objects.

    Args:
        lines: The records as JSON, one a line.
        spool: An empty file in which they wait until the columns are known.
    """
    columns: dict[str, None] = {}
    for record in _spooled(lines, spool):
        columns |= dict.fromkeys(record)
    yield _csv_row(columns)
    for record in _read(spool):
        yield _csv_row(_cell(record.get(name, _NULL)) for name in columns)


def as_parquet(lines: Iterable[bytes], spool: IO[bytes]) -> Iterator[bytes]:
    """Yield records as Parquet. No digit is lost: see `_Column.arrow` for the types.

    Args:
        lines: As for `as_csv`.
        spool: Likewise.

    Raises:
        Refused: pyarrow is not installed, or no record has a field.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra of the package, and slow to import
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise Refused(
            "Parquet needs pyarrow, which is not installed.",
            hint="Type `pipx install '.[parquet]'` in a checkout.",
        ) from None
    columns: dict[str, _Column] = {}
    count = 0
    for record in _spooled(lines, spool):
        count += 1
        for name, value in record.items():
            columns.setdefault(name, _Column()).see(value)
    if count and not columns:
        raise Refused("No record has a field, and a Parquet file without columns has no rows.", hint="Use --format ndjson.")
    types = {name: column.arrow() for name, column in columns.items()}
    schema = pa.schema([(name, kind) for name, (kind, _) in types.items()])
    records = _read(spool)
    with tempfile.TemporaryFile() as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while rows := list(islice(records, _ROWS_OF_A_GROUP)):
                values = [
                    [None if (one := row.get(name, _NULL)) == _NULL else convert(one) for row in rows]
                    for name, (_, convert) in types.items()
                ]
                arrays = [pa.array(column, kind) for column, kind in zip(values, schema.types, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
        file.seek(0)
        yield from iter(lambda: file.read(1 << 20), b"")


class _Column:
    """The values of a column, and so its type: bool, string, int64 or decimal; JSON where values have several types."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._is_int64 = True
        self._digits = self._scale = 0

    def see(self, value: Wire) -> None:
        """Take a value into account."""
        ((kind, held),) = value.items()
        if kind == "NULL":
            return
        self._kinds.add(kind)
        if kind == "N":
            number = Decimal(held)
            exponent = int(number.as_tuple().exponent)
            self._is_int64 &= exponent >= 0 and number.adjusted() < len(str(_INT64.stop)) and int(number) in _INT64
            self._digits = max(self._digits, number.adjusted() + 1)
            self._scale = max(self._scale, -exponent)

    def arrow(self) -> tuple[pa.DataType, Callable[[Wire], Any]]:
        """Return the column's type, and what converts a value to it. With a number too long for a decimal it is JSON."""
        import pyarrow as pa  # noqa: PLC0415 - see `as_parquet`

        digits = self._digits + self._scale
        if self._kinds <= {"S"}:
            return pa.string(), itemgetter("S")
        if self._kinds == {"BOOL"}:
            return pa.bool_(), itemgetter("BOOL")
        if self._kinds == {"N"} and self._is_int64:
            return pa.int64(), lambda value: int(Decimal(value["N"]))
        if self._kinds == {"N"} and digits <= _DECIMAL_DIGITS:
            return pa.decimal128(digits, self._scale), lambda value: Decimal(value["N"])
        return pa.json_(), as_json


def _spooled(lines: Iterable[bytes], spool: IO[bytes]) -> Iterator[dict[str, Wire]]:
    for line in lines:
        spool.write(line)
        yield _record(line)


def _read(spool: IO[bytes]) -> Iterator[dict[str, Wire]]:
    spool.seek(0)
    return map(_record, spool)


def _record(line: bytes) -> dict[str, Wire]:
    held: dict[str, Wire] = to_wire(json.loads(line, parse_float=Decimal))["M"]
    return held


def _cell(value: Wire) -> str:
    """Return text as it is, nothing for null, and JSON for all else; numbers keep their digits."""
    return "" if "NULL" in value else str(value["S"]) if "S" in value else as_json(value)


def _csv_row(cells: Iterable[str]) -> bytes:
    row = io.StringIO()
    csv.writer(row).writerow(cells)
    return row.getvalue().encode()
