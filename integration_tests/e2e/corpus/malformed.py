"""Malformed files: truncated ones, binary ones, and mixtures of good and bad records."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from integration_tests.e2e.corpus.reading import Record
from integration_tests.e2e.corpus.real import dataset
from integration_tests.e2e.corpus.sample import Sample


@dataclass(frozen=True)
class _Bad:
    """A record that must be rejected.

    Attributes:
        record: The parsed record, if it can be parsed. Then DynamoDB cannot store it, unless a transform changes it.
    """

    record: Record | None = None


BAD: Final = _Bad()

_DIGITS_38: Final = "12345678901234567890123456789012345678"
_LONG_TEXT: Final = "x" * 100_000
_TOO_LONG_TEXT: Final = "x" * 420_000

_LINES: Final[tuple[tuple[bytes, Record | _Bad], ...]] = (
    (b'{"plain": "text", "number": 1}', {"plain": "text", "number": 1}),
    (b'{"value": NaN}', BAD),
    (b'{"value": Infinity}', BAD),
    (b'{"value": -Infinity}', BAD),
    (f'{{"most": {_DIGITS_38}}}'.encode(), {"most": int(_DIGITS_38)}),
    (f'{{"more": {_DIGITS_38}9}}'.encode(), _Bad({"more": int(f"{_DIGITS_38}9")})),
    (f'{{"more": 0.{_DIGITS_38}9}}'.encode(), _Bad({"more": Decimal(f"0.{_DIGITS_38}9")})),
    (b'{"tall": 1e126}', _Bad({"tall": Decimal("1e126")})),
    (b'{"small": 1e-131}', _Bad({"small": Decimal("1e-131")})),
    (b'{"tall": 9.5e125, "small": 1e-130}', {"tall": Decimal("9.5e125"), "small": Decimal("1e-130")}),
    (b'{"": "no name"}', _Bad({"": "no name"})),
    (b'{"outer": {"": "no name"}}', _Bad({"outer": {"": "no name"}})),
    ((b'{"a":' * 40) + b"1" + (b"}" * 40), _Bad(json.loads('{"a":' * 40 + "1" + "}" * 40))),
    ((b'{"a":' * 20) + b"1" + (b"}" * 20), json.loads('{"a":' * 20 + "1" + "}" * 20)),
    (f'{{"long": "{_LONG_TEXT}"}}'.encode(), {"long": _LONG_TEXT}),
    (f'{{"long": "{_TOO_LONG_TEXT}"}}'.encode(), _Bad({"long": _TOO_LONG_TEXT})),
    (b'{"open": ', BAD),
    (b"not JSON at all", BAD),
    (b"42", BAD),
    (b'["an", "array"]', BAD),
    (b'{"bytes": "\xff\xfe"}', BAD),
    (b'{"half a surrogate pair": "\\ud800"}', _Bad({"half a surrogate pair": "\ud800"})),
    (
        b'{"empty": "", "none": null, "yes": true, "no": false, "list": [], "map": {}}',
        {"empty": "", "none": None, "yes": True, "no": False, "list": [], "map": {}},
    ),
    (
        '{"smile 😀": "naïve", "mixed": [1, "1", 1.50, [true, {"deep": null}]]}'.encode(),
        {"smile 😀": "naïve", "mixed": [1, "1", Decimal("1.50"), [True, {"deep": None}]]},
    ),
    (b'{"big": 100000000000000000000, "exact": 0.1}', {"big": 10**20, "exact": Decimal("0.1")}),
)
_ROWS: Final[tuple[tuple[str, Record | _Bad], ...]] = (
    ("1,plain,3", {"id": "1", "naïve name": "plain", "value": "3"}),
    ("2,too,many,fields", BAD),
    ("3,too few", BAD),
    ('4,"quoted, with a comma",007', {"id": "4", "naïve name": "quoted, with a comma", "value": "007"}),
    ('5,"a ""quote""",NaN', {"id": "5", "naïve name": 'a "quote"', "value": "NaN"}),
    ("6,,", {"id": "6", "naïve name": "", "value": ""}),
    ('7,"two\nlines",1e400', {"id": "7", "naïve name": "two\nlines", "value": "1e400"}),
)


def malformed_samples() -> Iterator[Sample]:
    """Make all malformed samples."""
    yield from _cut()
    yield from _no_text()
    yield _odd_lines()
    yield _odd_elements()
    yield _odd_rows()
    yield from _odd_but_right()


def _cut() -> Iterator[Sample]:
    """Truncated files, as after an interrupted upload."""
    cars = dataset("cars.json")
    yield _unreadable("cut-in-half.json", cars[: len(cars) // 2])
    packed = gzip.compress(dataset("iris.json"), mtime=0)
    yield _unreadable("cut-in-half.json.gz", packed[: len(packed) // 2], compression="gzip")
    lines = [json.dumps(one) for one in json.loads(dataset("barley.json"))]
    whole, last = lines[:60], lines[60]
    records: dict[int, Any] = {n: json.loads(line, parse_float=Decimal) for n, line in enumerate(whole)}
    yield Sample(
        name="cut-in-half.ndjson",
        body=("\n".join(whole) + "\n" + last[: len(last) // 2]).encode(),
        format="ndjson",
        accepted=records,
        rejected={60: 61},
        real=False,
    )


def _no_text() -> Iterator[Sample]:
    """Files that are not UTF-8 text, or whose columns cannot be distinguished."""
    yield _unreadable("binary.csv", b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(4000))  # noqa: S311 - no secret
    yield _unreadable("utf-16-without-mark.csv", dataset("stocks.csv").decode().encode("utf-16-le"))
    yield _unreadable("columns-alike.csv", b"id,id\n1,2\n")


def _odd_lines() -> Sample:
    """NDJSON with alternating good and bad lines, and blank lines between, which are not records."""
    body, at = b"", {}
    for number, (text, _) in enumerate(_LINES):
        at[number] = body.count(b"\n") + 1
        body += text + (b"\n\n" if number % 5 == 0 else b"\n")
    return _mixed("odd-records.ndjson", body, "ndjson", [value for _, value in _LINES], at)


def _odd_elements() -> Sample:
    """A JSON array of those of the same records that do not break the array's own brackets."""
    elements = [(text, value) for text, value in _LINES if text.count(b"{") == text.count(b"}")]
    body = b"[\n" + b",\n".join(text for text, _ in elements) + b"\n]\n"
    lines = {number: number + 2 for number in range(len(elements))}
    return _mixed("odd-elements.json", body, "json", [value for _, value in elements], lines)


def _odd_rows() -> Sample:
    """CSV with rows of the wrong width between quoted cells that hold commas, quotes and a line end."""
    body, at = "id,naïve name,value\n", {}
    for number, (text, _) in enumerate(_ROWS):
        at[number] = body.count("\n") + 1
        body += text + "\n"
    return _mixed("odd-rows.csv", body.encode(), "csv", [value for _, value in _ROWS], at)


def _odd_but_right() -> Iterator[Sample]:
    """Unusual files without a fault."""
    yield Sample(name="empty.json", body=b"", format="empty", real=False)
    yield Sample(
        name="one-object.json",
        body=b'{\n  "only": "one",\n  "nested": {"n": [1.25, 2]}\n}\n',
        format="json",
        accepted={0: {"only": "one", "nested": {"n": [Decimal("1.25"), 2]}}},
        real=False,
    )


def _mixed(name: str, body: bytes, format_: str, values: list[Record | _Bad], lines: dict[int, int]) -> Sample:
    return Sample(
        name=name,
        body=body,
        format=format_,
        accepted={n: value for n, value in enumerate(values) if not isinstance(value, _Bad)},
        rejected={n: lines[n] for n, value in enumerate(values) if isinstance(value, _Bad)},
        unstorable={n: value.record for n, value in enumerate(values) if isinstance(value, _Bad) and value.record},
        real=False,
    )


def _unreadable(name: str, body: bytes, compression: str = "none") -> Sample:
    return Sample(name=name, body=body, format="", compression=compression, quarantined=True, real=False)
