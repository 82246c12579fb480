"""A stream of bytes, opened: what it is, and its records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from handlers.processor.parsers.compression import Compression, expand
from handlers.processor.parsers.delimited import delimited
from handlers.processor.parsers.encoding import UTF8_MARK, check_encoding
from handlers.processor.parsers.formats import Format, Layout, tell_format
from handlers.processor.parsers.json_structure import json_array, json_object
from handlers.processor.parsers.ndjson import ndjson
from handlers.processor.parsers.records import Outcome
from handlers.processor.parsers.window import Window, look_into


@dataclass(frozen=True)
class Opened:
    """An object of which is known what it is, and which has not yet been read to its end."""

    format: Format
    compression: Compression
    records: Iterator[Outcome]
    """Raises UnreadableError while it is read, too: no record is to land before its clean end."""


def open_object(chunks: Iterable[bytes], *, object_key: str, maximum_expanded_bytes: int) -> Opened:
    """Tell what an object is, and give its records.

    Args:
        chunks: The object's bytes, in any pieces.
        object_key: Its key; the extension counts only where the content could be two things.
        maximum_expanded_bytes: How many bytes it may hold when expanded.

    Raises:
        UnreadableError: It cannot be read as a whole.
    """
    compression, expanded = expand(chunks, maximum_bytes=maximum_expanded_bytes)
    window, stream = look_into(expanded)
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
