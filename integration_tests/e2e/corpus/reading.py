"""Read whole files in the simplest way: `json`, `csv` and Decimal, without streaming or detection.

Shares no code with the processor, so that a fault of the processor is not repeated here.
"""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]
"""A record as `transform` gets it: JSON's types, with Decimal for numbers that have a point or an exponent."""


def json_array(body: bytes) -> list[Record]:
    """Read a JSON array of objects."""
    records: list[Record] = _json(body.decode("utf-8-sig"))
    return records


def json_object(body: bytes) -> list[Record]:
    """Read a document that is one object: one record."""
    return [_json(body.decode("utf-8-sig"))]


def json_lines(body: bytes) -> list[Record]:
    """Read one object a line; blank lines are not records."""
    return [_json(line) for line in body.decode("utf-8-sig").split("\n") if line.strip()]


def table(body: bytes, delimiter: str) -> list[Record]:
    """Read CSV (`,`) or TSV (tab) with a header; every cell is text, because the format has no other type."""
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows if row]


def _json(text: str) -> Any:  # noqa: ANN401 - whatever the document holds
    return json.loads(text, parse_float=Decimal)
