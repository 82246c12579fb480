"""Properties of the parsers: every record of any file is accepted or rejected exactly once and unchanged.

Python's own json and csv write the good files; the malformed ones are written by hand. Their records are known beforehand.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import zstandard
from hypothesis import assume, example, given
from hypothesis import strategies as st

from handlers.processor.errors import UnreadableError
from unit_tests.handlers.processor.parse_file import take_in

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip of two members": lambda content: gzip.compress(content[:7]) + gzip.compress(content[7:]),
    "zstd": zstandard.ZstdCompressor().compress,
}
BAD_TEXTS = [
    b"nope",
    b"[1]",
    b"3",
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b'{"":1}',
    b'{"a":"\xff"}',
    b'{"a":' + b"1" * 39 + b"}",
    b'{"a":1e400}',
    b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
    b"{'a':1}",
    b'{"a":"\\ud800"}',
    b'{"a" 1}',
]
"""Brackets and quotes match in all of them, so each is one element and one line."""
CUT_LINES = [b'{"a":', b'{"a":"x', b"[", b'"']
"""Malformed records of one line each; in an array they would not be elements."""

texts = st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(10**37), 10**37) | st.floats(1e-100, 1e100) | st.just(0.0)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter(bool), inner, max_size=3),
    max_leaves=6,
)
records = st.dictionaries(texts.filter(bool), values, max_size=4)


@dataclass(frozen=True)
class Bad:
    """A record that must be rejected."""

    text: bytes


def written(record: "dict[str, Any] | Bad") -> bytes:
    return record.text if isinstance(record, Bad) else json.dumps(record, ensure_ascii=False).encode()


def as_stored(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value as boto3 reads it back."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [as_stored(one) for one in value]
    return {name: as_stored(one) for name, one in value.items()}


def held(found: list[Any]) -> list[Any]:
    """Return the expected outcome of a file: each accepted record as stored, None for a rejected one."""
    return [None if isinstance(one, Bad) else as_stored(one) for one in found]


def outcome(content: bytes, key: str, piece: int) -> list[Any]:
    """Return the actual outcome in the same form."""
    taken = take_in(content, key=key, piece=piece)
    return [None if isinstance(one, int) else one for one in taken.outcome]


anything = st.lists(records | st.sampled_from(BAD_TEXTS).map(Bad), max_size=8)
any_lines = st.lists(records | st.sampled_from(BAD_TEXTS + CUT_LINES).map(Bad), max_size=8)
pieces = st.sampled_from([1, 3, 17, 65_536])
each_compression = pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)


@pytest.mark.property
@each_compression
@given(
    found=any_lines,
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\n"]), min_size=8, max_size=8),
    name=st.sampled_from(["x.ndjson", "x.jsonl.gz", "x.NDJSON.zst"]),
    piece=pieces,
)
@example(found=[Bad(b"[1]"), Bad(b"nope"), {}], ends=[b"\n"] * 8, name="x.ndjson", piece=3)
@example(found=[Bad(b"["), {}], ends=[b"\n"] * 8, name="x.ndjson", piece=3)
def test_any_ndjson_file_gives_its_records(
    compress: Callable[[bytes], bytes], found: list[Any], ends: list[bytes], name: str, piece: int
) -> None:
    assume(len(found) > 1)  # a single line could be NDJSON or one JSON value
    assume(any(not isinstance(one, Bad) for one in found))  # without any JSON it is not a JSON file
    content = b"".join(written(one) + end for one, end in zip(found, ends, strict=False))
    assert outcome(compress(content), f"incoming/{name}", piece) == held(found)


@pytest.mark.property
@given(first=records, second=records, found=any_lines, name=st.sampled_from(["x", "x.txt", "x.csv", "x.json", "x.dat"]))
def test_any_ndjson_file_of_any_name_gives_its_records(first: Any, second: Any, found: list[Any], name: str) -> None:  # noqa: ANN401
    found = [first, *found, second]
    content = b"".join(written(one) + b"\n" for one in found)
    assert outcome(content, f"incoming/{name}", 65_536) == held(found)


@pytest.mark.property
@each_compression
@given(
    found=anything,
    spaces=st.lists(st.sampled_from([b"", b" ", b"\n", b"\r\n  "]), min_size=18, max_size=18),
    name=st.sampled_from(["x", "x.json", "x.txt", "x.json.gz"]),
    piece=pieces,
)
def test_any_json_array_gives_its_elements(
    compress: Callable[[bytes], bytes], found: list[Any], spaces: list[bytes], name: str, piece: int
) -> None:
    space = iter(spaces)
    content = next(space) + b"[" + b",".join(next(space) + written(one) + next(space) for one in found) + b"]\n"
    assert outcome(compress(content), f"incoming/{name}", piece) == held(found)


@pytest.mark.property
@each_compression
@given(record=records.filter(bool), indent=st.none() | st.integers(0, 4), name=st.sampled_from(["x", "x.json", "x.csv"]))
def test_any_json_object_gives_one_record(
    compress: Callable[[bytes], bytes],
    record: Any,  # noqa: ANN401 - any JSON object
    indent: int | None,
    name: str,
) -> None:
    content = json.dumps(record, indent=indent).encode()
    assert outcome(compress(content), f"incoming/{name}", 17) == held([record])


names = st.text(st.sampled_from("abcdefé _0"), min_size=1, max_size=6).map(lambda name: "n" + name)
headers = st.lists(names, min_size=2, max_size=5, unique=True) | (
    st.lists(names, min_size=1, max_size=4, unique=True)
    .flatmap(lambda named: st.permutations([*named, ""]) | st.permutations([*named, "", ""]))
    .map(list)
)
"""Names of columns; some lists leave one or two columns unnamed."""
fields = st.text(st.sampled_from('ab ,;\t"\n\r\0é😀{}[]'), max_size=6)


@pytest.mark.property
@each_compression
@given(
    header=headers,
    rows=st.lists(st.lists(fields, min_size=2, max_size=5), max_size=8),
    kind=st.sampled_from([(",", "x.csv"), ("\t", "x.tsv"), (";", "x.csv"), ("\t", "x.csv")]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    piece=pieces,
)
@example(  # its first tab is not indentation
    header=["", "na"], rows=[["0", "1"]], kind=("\t", "x.csv"), line_end="\n", quoting=csv.QUOTE_MINIMAL, piece=1
)
def test_any_table_gives_its_rows(  # a row is bad if its width differs from the header's or a column has no name
    compress: Callable[[bytes], bytes],
    header: list[str],
    rows: list[list[str]],
    kind: tuple[str, str],
    line_end: str,
    quoting: Any,  # noqa: ANN401 - the csv module's own
    piece: int,
) -> None:
    delimiter, name = kind
    if quoting == csv.QUOTE_MINIMAL:  # Python's csv then leaves a carriage return bare, which is not as RFC 4180 has it
        rows = [[field.replace("\r", "") for field in row] for row in rows]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows([header, *rows])
    has_names = all(header)
    expected = [dict(zip(header, row, strict=True)) if has_names and len(row) == len(header) else None for row in rows]
    assert outcome(compress(file.getvalue().encode()), f"incoming/{name}", piece) == expected


@pytest.mark.property
@given(content=st.binary(max_size=300), piece=st.integers(1, 64), name=st.sampled_from(["x", "x.csv", "x.ndjson"]))
def test_any_bytes_give_records_or_unreadable_error(content: bytes, piece: int, name: str) -> None:
    """The outcome is the same for any pieces, and the only error is UnreadableError."""

    def end(size: int) -> object:
        try:
            return take_in(content, key=f"incoming/{name}", piece=size)
        except UnreadableError as refusal:
            return refusal.fault

    assert end(piece) == end(65_536)


@pytest.mark.property
@given(found=anything, cut=st.floats(0, 1), kind=st.sampled_from(["lines", "array"]))
def test_compressed_file_that_is_cut_gives_no_records(found: list[Any], cut: float, kind: str) -> None:
    whole = (b"\n" if kind == "lines" else b",").join(written(one) for one in found)
    content = gzip.compress(whole if kind == "lines" else b"[" + whole + b"]")
    with pytest.raises(UnreadableError):
        take_in(content[: 2 + int(cut * (len(content) - 3))])
