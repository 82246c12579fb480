"""Reading whole files the plainest way: `json`, `csv` and Decimal; no streaming, no guessing.

Shares no code with the processor, which must come to the same records by its own way.
"""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]
"""A record as `transform` is given it: JSON's types, numbers with a point or an exponent as Decimal."""


def json_array(body: bytes) -> list[Record]:
    """Read a JSON array of objects."""
    records: list[Record] = _json(body.decode("utf-8-sig"))
    return records


def json_object(body: bytes) -> list[Record]:
    """Read a document that is one object: one record."""
    return [_json(body.decode("utf-8-sig"))]


def json_lines(body: bytes) -> list[Record]:
    """Read one object a line; empty lines are no records."""
    return [_json(line) for line in body.decode("utf-8-sig").split("\n") if line.strip()]


def table(body: bytes, delimiter: str) -> list[Record]:
    """Read CSV (`,`) or TSV (tab) with a header. Cells are text: the format has no other type."""
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows if row]


def _json(text: str) -> Any:  # noqa: ANN401 - whatever the document holds
    return json.loads(text, parse_float=Decimal)
