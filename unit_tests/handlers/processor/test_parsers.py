"""Test the parsers over formats, compressions and chunk sizes; they cannot prove that anything is stored."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.errors import Reject, UnreadableError
from handlers.processor.parsers import open_object

ROOM = 64 * 1024 * 1024

values = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(st.characters(codec="utf-8"), max_size=20)
records = st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), values, min_size=1, max_size=4)
COMPRESSIONS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def read(content: bytes, *, size: int = 65_536, key: str = "incoming/file") -> list[dict[str, Any] | str]:
    """Return each record's value, or the word `rejected`."""
    found: list[dict[str, Any] | str] = []
    for record in open_object(pieces(content, size), object_key=key, maximum_expanded_bytes=ROOM).records:
        try:
            found.append(record.parse(record.raw))
        except Reject:
            found.append("rejected")
    return found


@pytest.mark.property
@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@given(wanted=st.lists(records, min_size=2, max_size=6), size=st.integers(1, 64), as_array=st.booleans(), mark=st.booleans())
def test_parser_reads_written_records_from_any_chunks(
    compress: Any,  # noqa: ANN401 - a function of bytes
    wanted: list[dict[str, Any]],
    size: int,
    as_array: bool,  # noqa: FBT001 - drawn by Hypothesis
    mark: bool,  # noqa: FBT001 - likewise
) -> None:
    text = json.dumps(wanted) if as_array else "".join(json.dumps(one) + "\n" for one in wanted)
    content = compress((b"\xef\xbb\xbf" if mark else b"") + text.encode())
    assert read(content, size=size) == wanted


@pytest.mark.property
@given(content=st.binary(max_size=400), size=st.integers(1, 64))
@example(content=b"[" * 5000, size=64)
@example(content=b'{"a":' + b"9" * 5000 + b"}", size=64)
@example(content=gzip.compress(b'{"a":1}\n')[:-4], size=7)
def test_parser_any_bytes_in_any_chunks_give_the_same_outcome(content: bytes, size: int) -> None:
    def outcome(piece: int) -> object:
        try:
            return read(content, size=piece)
        except UnreadableError as refusal:
            return refusal.fault

    assert outcome(size) == outcome(65_536)


def test_parser_rejects_only_the_bad_line() -> None:
    content = b'{"a":1}\n{"a":\xff"}\n{"a":NaN}\n{"a":1,"a":2}\n[1]\n{"a":5}\n'
    assert read(content) == [{"a": 1}, "rejected", "rejected", "rejected", "rejected", {"a": 5}]


def test_parser_rejects_a_row_of_another_width_and_keeps_text() -> None:
    assert read(b'id,name\n007,"a\nb"\n1\n2,c\n') == [{"id": "007", "name": "a\nb"}, "rejected", {"id": "2", "name": "c"}]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_parser_refuses_a_file_that_is_cut_in_half(compress: Any) -> None:  # noqa: ANN401 - a function of bytes
    content = compress(json.dumps([{"n": n, "text": f"{n * 7919}"} for n in range(2000)]).encode())
    with pytest.raises(UnreadableError, match="bad_compression"):
        read(content[: len(content) // 2])


def test_parser_refuses_a_decompression_bomb_early() -> None:
    bomb = gzip.compress(b'{"a":1}\n' * 1_000_000)
    with pytest.raises(UnreadableError, match="expands_too_far"):
        list(open_object(pieces(bomb, 65_536), object_key="incoming/bomb", maximum_expanded_bytes=1_000_000).records)
