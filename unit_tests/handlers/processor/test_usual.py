"""Test that the code in C and the exact code give the same records, texts and rejections for any input."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.errors import Reject, UnreadableError
from handlers.processor.parsers.json_values import parse_exactly, parse_record
from handlers.processor.parsers.records import RawRecord
from handlers.processor.parsers.usual import usual_object, usual_text
from handlers.shared.attribute_values import UnstorableError, attribute_map, canonical_text
from unit_tests.handlers.processor.parse_file import Taken, take_in

HOSTILE = [
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b'{"a":1e400}',
    b'{"a":1e99999999999999999999999}',
    b'{"a":-0}',
    b'{"a":-0.0}',
    b'{"a":1.0}',
    b'{"a":1e2}',
    b'{"a":1E-7}',
    b'{"a":0.0000001}',
    b'{"a":1.10}',
    b'{"a":01}',
    b'{"a":999999999999999999}',
    b'{"a":1000000000000000000}',
    b'{"a":-18446744073709551617}',
    b'{"a":' + b"9" * 38 + b"}",
    b'{"a":' + b"9" * 39 + b"}",
    b'{"a":' + b"9" * 131 + b"}",
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":0.' + b"1" * 38 + b"}",
    b'{"a":0.' + b"1" * 39 + b"}",
    b'{"a":1,"a":1}',
    b'{"a":{"b":"x","b":"x"}}',
    b'{"a":[{"b":1,"b":1}]}',
    b'{"a":"\\"","a":"\\""}',
    b'{"a":"x\\\\","a":"y\\\\"}',
    b'{"a":1,"\\u0061":2}',
    b'{"a":"\\u0022","a":1}',
    b'{"":1}',
    b'{"a":{"":1}}',
    b'{"a":"\\u0000"}',
    b'{"\\u0000":""}',
    b'{"a":"\\ud800"}',
    b'{"\\udfff":1}',
    b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\x00"}',
    b'{"a":"\t"}',
    b'{"a":"\x7f\xc2\x80\xe2\x80\xa8"}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xc0\x80"}',
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":1}\x00',
    b'{"a":1} x',
    b' {"a":1}\t\r',
    b"\x0b{}",
    b"{}",
    b"[]",
    b"1",
    b"",
    b'{"a":' + b"[" * 29 + b"]" * 29 + b"}",
    b'{"a":' + b"[" * 30 + b"]" * 30 + b"}",
    b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
    b'{"a":' * 31 + b"1" + b"}" * 31,
    b'{"a":' * 32 + b"1" + b"}" * 32,
    b'{"a":' + b"[" * 150 + b"]" * 150 + b"}",
    b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}",
    b'{"a":[' + b"{}," * 300 + b"{}]}",
    b'{"' + b"k" * 59_000 + b'":1}',
    b'{"' + b"k" * 65_535 + b'":1}',
    b'{"' + b"k" * 65_536 + b'":1}',
    b'{"\xef\xbf\xbf":1,"\xf0\x90\x80\x80":2,"B":3,"a":4}',
    b"{'a':1}",
    b'{"a":tru}',
    b'{"a":null,"b":true,"c":false,"d":[],"e":{}}',
]
as_bytes = st.sampled_from(HOSTILE) | st.binary(max_size=12)
scraps = st.lists(
    st.sampled_from([*b'{}[]":,\\\n\r\t 0-.eE"a1']).map(lambda byte: bytes([byte]))
    | st.sampled_from(
        [b'"a"', b'"\\u0061"', b'"\\ud800"', b"1.0", b"true", b"null", b"\xff", b'\\"', b"\\\\", b'"a":', b'{"a":1}']
    ),
    max_size=24,
).map(b"".join)


def exactly(text: bytes) -> Any:  # noqa: ANN401 - a dict, or the reason of the rejection
    try:
        return parse_exactly(RawRecord(1, text))
    except Reject as problem:
        return str(problem)


def canonical(value: Any) -> Any:  # noqa: ANN401 - bytes, or the reason of the rejection
    try:
        attribute, _ = attribute_map(value)
        return canonical_text(attribute).encode()
    except UnstorableError as problem:
        return str(problem)


def kinds(value: Any) -> Any:  # noqa: ANN401 - equal values of other types differ in this
    if isinstance(value, dict):
        return [(key, kinds(inner)) for key, inner in value.items()]
    return [kinds(inner) for inner in value] if isinstance(value, list) else (type(value), str(value))


@pytest.mark.property
@given(text=as_bytes | scraps | scraps.map(lambda inner: b"{" + inner + b"}"))
def test_usual_object_equals_the_exact_one(text: bytes) -> None:
    usual = usual_object(text)
    assert usual is None or kinds(usual) == kinds(exactly(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_object_equals_the_exact_one(text: bytes) -> None:
    usual = usual_object(text)
    assert usual is None or kinds(usual) == kinds(exactly(text))


class Text(str):
    """Text of a type that a transform may return."""

    __slots__ = ()


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.decimals(allow_nan=True)
    | st.sampled_from([Decimal(text) for text in ("1.10", "-0.5", "1E+2", "1E-7", "0.0", "-0", "1E126", f"0.{'1' * 39}")])
    | st.floats()
    | st.text(max_size=5)
    | st.text(st.characters(categories=["Cs", "Cc", "Zl", "So"]), max_size=3)
    | st.binary(max_size=3)
    | st.sampled_from([Text("t"), object(), (1, 2), "x" * 59_990, "x" * 70_000])
)
keys = st.text(max_size=3) | st.sampled_from([1, None, b"k", "", Text("t"), "\ud800", "\uffff", "\U00010000"])
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@pytest.mark.property
def test_beginning_of_a_too_long_record_is_rejected_though_it_is_an_object() -> None:
    padded = RawRecord(1, b'{"a":1}' + b" " * 20, is_too_long=True)
    for parse in (parse_record, parse_exactly):
        with pytest.raises(Reject, match="longer than"):
            parse(padded)


@given(record=st.dictionaries(keys, anything, max_size=4))
def test_usual_text_equals_the_canonical_one(record: dict[Any, Any]) -> None:
    usual = usual_text(record)
    assert usual is None or usual == canonical(record)


@pytest.mark.parametrize("depth", range(28, 36))
@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"k": inner}])
def test_usual_text_has_the_exact_depth(depth: int, wrap: Any) -> None:  # noqa: ANN401 - a function
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    usual = usual_text({"a": value})
    assert usual is None or usual == canonical({"a": value})


def test_circular_record_is_left_to_the_exact_code() -> None:
    record: dict[str, Any] = {}
    record["itself"] = record
    assert usual_text(record) is None


def test_usual_records_are_handled_in_c() -> None:
    """Without this the other tests would hold for functions that return None for everything."""
    text = b'{"id":"7","n":-3,"amount":12.5,"b":true,"none":null,"tags":["a",1,{"x":[]}],"esc":"\\"\\u00e9\\n","o":{"k":{}}}'
    value = usual_object(text)
    assert value == exactly(text)
    assert value is not None
    assert usual_text(value) == canonical(value)


@contextmanager
def exact_code_alone() -> Iterator[None]:
    """Run without any code that handles usual input."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("parsers.json_values.usual_object", "parsers.json_structure.usual_object", "intake.usual_text"):
            patch.setattr(f"handlers.processor.{module}", lambda _: None)
        patch.setattr("handlers.processor.parsers.delimited.split_row", _split_by_csv)
        patch.setattr("handlers.processor.parsers.rows._Splitter._plain_rows", _no_rows)
        yield


def _split_by_csv(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Reject(f'the row breaks RFC 4180: {error}; write a quote within a field as ""') from error
    return rows[0] if rows else [""]


def _no_rows(_self: Any, _chunk: bytes, start: int) -> Iterator[RawRecord]:  # noqa: ANN401 - the splitter
    yield from ()
    return start  # type: ignore[return-value]


def outcome(content: bytes, name: str, piece: int) -> Taken | str:
    try:
        return take_in(content, key=f"incoming/{name}", piece=piece)
    except UnreadableError as problem:
        return re.sub(r"near line \d+", "near a line", problem.reason)  # the exact code counts lines by the piece


records = (
    as_bytes | scraps | st.sampled_from([b'{"a":"b"}', b'{"x":[{"y":1},{"y":2}]}', b'{"s":"},{"}', b'{ "a" : 1.5 }'])
).map(lambda text: re.sub(rb"[\r\n]", b" ", text))
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"])


@pytest.mark.property
@given(
    found=st.lists(records, max_size=8),
    end=ends,
    piece=st.sampled_from([1, 7, 64, 65_536]),
    shape=st.sampled_from(["lines", "array", "object"]),
)
@example(found=[b'{"a":1}', b"1"] * 4, end=b"\n", piece=64, shape="array")
@example(found=[b'{"s":"},{"}', b'{"a":"b"}'] * 4, end=b"\n", piece=65_536, shape="array")
@example(found=[b'{"a":NaN}', b'{"a":1e400}', b"{"], end=b"\n", piece=1, shape="array")
def test_any_json_file_ends_as_by_the_exact_code(found: list[bytes], end: bytes, piece: int, shape: str) -> None:
    content = {
        "lines": end.join(found) + end,
        "array": b"[" + (b"," + end).join(found) + b"]",
        "object": b'{"k":[' + b",".join(found) + b"]}",
    }[shape]
    name = "x.ndjson" if shape == "lines" else "x.json"
    with exact_code_alone():
        expected = outcome(content, name, piece)
    assert outcome(content, name, piece) == expected


cells = st.text(st.sampled_from('ab0 ,;\t"\n\r\0é😀'), max_size=4) | st.sampled_from(
    ["007", "1e5", '""', '"q"', '"a\nb"', "NaN"]
)


@pytest.mark.property
@given(
    rows=st.lists(st.lists(cells, max_size=4), max_size=8),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    delimiter=st.sampled_from([",", "\t", ";"]),
    piece=st.sampled_from([1, 7, 65_536]),
    odd=st.sampled_from([b"", b"\xff,\xff\n", b"\xef\xbb\xbf"]),
)
def test_any_table_ends_as_by_the_exact_code(
    rows: list[list[str]], end: str, delimiter: str, piece: int, odd: bytes
) -> None:
    content = f"na{delimiter}nb{end}".encode() + end.join(delimiter.join(row) for row in rows).encode() + odd
    with exact_code_alone():
        expected = outcome(content, "x.csv", piece)
    assert outcome(content, "x.csv", piece) == expected
