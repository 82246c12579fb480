"""Open a stream of bytes: detect its format and return its records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from handlers.processor.parsers.compression import Compression, expand
from handlers.processor.parsers.delimited import delimited
from handlers.processor.parsers.encoding import UTF8_MARK, as_utf8, check_encoding
from handlers.processor.parsers.formats import Format, Layout, tell_format
from handlers.processor.parsers.json_structure import json_array, json_object
from handlers.processor.parsers.ndjson import ndjson
from handlers.processor.parsers.records import Outcome
from handlers.processor.parsers.window import Window, look_into


@dataclass(frozen=True)
class Opened:
    """An object with a known format that was not yet read to its end."""

    format: Format
    compression: Compression
    records: Iterator[Outcome]
    """May raise UnreadableError at any record, so write no record before the end was read."""


def open_object(chunks: Iterable[bytes], *, object_key: str, maximum_expanded_bytes: int) -> Opened:
    """Return the format, the compression and the records of an object.

    Args:
        chunks: The object's bytes, in pieces of any size.
        object_key: Key of the object; its extension decides only when the content could be two formats.
        maximum_expanded_bytes: Largest decompressed size.

    Raises:
        UnreadableError: The object as a whole cannot be read.
    """
    compression, expanded = expand(chunks, maximum_bytes=maximum_expanded_bytes)
    window, stream = look_into(as_utf8(expanded))
    check_encoding(window.text)
    text = window.text.removeprefix(UTF8_MARK)
    if len(text) != len(window.text):
        stream = _without_mark(stream)
    layout = tell_format(Window(text, is_whole_file=window.is_whole_file), object_key)
    return Opened(layout.format, compression, _records(layout, stream))


def _without_mark(stream: Iterator[bytes]) -> Iterator[bytes]:
    return chain([next(stream).removeprefix(UTF8_MARK)], stream)


def _records(layout: Layout, stream: Iterator[bytes]) -> Iterator[Outcome]:
    if layout.format is Format.EMPTY:
        return iter(())
    if layout.format is Format.NDJSON:
        return ndjson(stream, line_end=layout.line_end)
    if layout.format is Format.JSON:
        return json_array(stream) if layout.is_array else json_object(stream)
    return delimited(stream, delimiter=layout.delimiter, line_end=layout.line_end)
