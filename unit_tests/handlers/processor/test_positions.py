"""Test that every parser resumes at any record as if it had read the file from its beginning."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from handlers.processor.errors import Reject, UnreadableError
from handlers.processor.parsers import FIRST, Outcome, Position, open_object
from handlers.processor.parsers.pins import Pin
from unit_tests.handlers.processor.parse_file import pieces
from unit_tests.handlers.processor.test_odd_files import READABLE, SKIPPABLE_FRAME

ROOM = 64 * 1024 * 1024
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", SKIPPABLE_FRAME)
FILES = {
    "ndjson": b'{"a":1}\n\n  \n{"a":2}\r\nbad\n{"a":"' + b"x" * 300 + b'"}\n[1]\n{"a":5}',
    "ndjson with a mark": b'\xef\xbb\xbf{"a":1}\n{"a":2}\n{"a":3}\n',
    "lines that end with CR": b'{"a":1}\r{"a":2}\r{"a":3}\r',
    "array": b' [ {"a":1} , {"a":"},{"},\n{"a":[1,{"b":2}]},{"a":1,"a":2}, bad ,\r\n"x", {"a":6}\n,{"a":7}]\n',
    "array of one line": b"[" + b",".join(b'{"n":%d}' % number for number in range(50)) + b"]",
    "object": b'\n{"a":\n1}\n',
    "csv": b'a,b\n1,2\n\n"3\n3","4"",\n4"\n5\n6,7\r\n8,9',
    "csv with a quoted header": b'"a\na";b\n1;2\n3;4\n\n5;"6\n\n6"\n',
    "tsv": b"\ta\n1\t2\n\t\n3\t4\n",
    "UTF-16": '[{"a":"é"},\n{"a":"😀"}, {"a":3}]'.encode("utf-16"),
    "UTF-16 table": "a,b\n1,é\n2,😀\n3,x\n".encode("utf-16"),
}


def outcome_of(record: Outcome) -> tuple[int, int, Any]:
    """Return the line, the position, and the value or the reason of the rejection."""
    try:
        value: Any = record.value()
    except Reject as problem:
        value = str(problem)
    return record.raw.line, record.raw.start, value


def read(
    content: bytes, key: str, piece: int, position: Position = FIRST, *, may_seek: bool = False, pin: Pin | None = None
) -> list[Any]:
    opened = open_object(
        pieces(content, piece),
        object_key=key,
        maximum_expanded_bytes=ROOM,
        position=position,
        seek=(lambda at: pieces(content[at:], piece)) if may_seek else None,
        pin=pin,
    )
    return [outcome_of(record) for record in opened.records]


@pytest.mark.parametrize("may_seek", [False, True])
@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("name", [*FILES, *(name for name, file in READABLE.items() if not file[0].startswith(COMPRESSED))])
def test_parser_from_any_record_yields_the_same_records(
    name: str,
    compress: Callable[[bytes], bytes],
    may_seek: bool,  # noqa: FBT001 - a parameter
) -> None:
    content, key = (FILES[name], "x.ndjson" if "ndjson" in name else "x") if name in FILES else READABLE[name][:2]
    content, key = compress(content), f"incoming/{key}"
    whole = read(content, key, 65_536)[:100]
    for piece in (1, 7, 65_536) if len(content) < 5000 else (65_536,):
        for number, (line, start, _) in enumerate(whole):
            found = read(content, key, piece, Position(start, line), may_seek=may_seek)
            assert found[: len(whole) - number] == whole[number:]


@pytest.mark.parametrize("encoding", ["utf-16le", "gb18030", "iso-2022-jp", "windows-1252"])
@pytest.mark.parametrize("piece", [1, 3, 65_536])
def test_parser_resumes_at_each_row_of_a_file_in_a_pinned_encoding(encoding: str, piece: int) -> None:
    content, pin = 'a;b\n1;\u00b1\n2;x\n"3\n";y\n4;5\n'.encode(encoding), Pin("csv", ";", encoding)
    whole = read(content, "x", piece, pin=pin)
    assert len(whole) == 4
    for number, (line, start, _) in enumerate(whole):
        assert read(content, "x", piece, Position(start, line), may_seek=True, pin=pin) == whole[number:]


def test_seek_does_not_lift_the_limit_of_expanded_bytes() -> None:
    content = b'{"a":1}\n' * 600_000  # longer than what is looked into to find the format
    opened = open_object(
        pieces(content, 65_536),
        object_key="incoming/x",
        maximum_expanded_bytes=len(content) - 1,
        position=Position(len(content) - 80, 599_991),
        seek=lambda at: [content[at:]],
    )
    with pytest.raises(UnreadableError, match="expands_too_far"):
        list(opened.records)
