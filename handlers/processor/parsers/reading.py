"""Open a stream of bytes: detect its format and return its records."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from handlers.processor.parsers.compression import Compression, expand, limited
from handlers.processor.parsers.delimited import delimited
from handlers.processor.parsers.encoding import UTF8_MARK, as_utf8, check_encoding
from handlers.processor.parsers.formats import Format, Layout, tell_format
from handlers.processor.parsers.json_structure import json_array, json_object
from handlers.processor.parsers.lines import ndjson
from handlers.processor.parsers.pins import Pin
from handlers.processor.parsers.records import FIRST, Outcome, Position
from handlers.processor.parsers.window import Window, look_into


@dataclass(frozen=True)
class Opened:
    """An object with a known format that was not yet read to its end."""

    format: Format
    compression: Compression
    records: Iterator[Outcome]
    """May raise UnreadableError at any record, so write no record before the end was read."""


def open_object(  # noqa: PLR0913 - the benchmarks and the simulator leave most of them out
    chunks: Iterable[bytes],
    *,
    object_key: str,
    maximum_expanded_bytes: int,
    position: Position = FIRST,
    seek: Callable[[int], Iterable[bytes]] | None = None,
    pin: Pin | None = None,
) -> Opened:
    """Return the format, the compression and the records of an object.

    The text before `position` is decompressed and dropped, or left out by `seek`. It is not parsed.

    Args:
        chunks: The object's bytes, in pieces of any size.
        object_key: Key of the object; its extension decides only when the content could be two formats.
        maximum_expanded_bytes: Largest decompressed size.
        position: Position of the first record to return.
        seek: Returns the object's bytes from an offset on, in place of the rest of `chunks`.
        pin: What the settings say of the object, in place of what its content and name say.

    Raises:
        UnreadableError: The object as a whole cannot be read.
    """
    compression, expanded = expand(chunks, maximum_bytes=maximum_expanded_bytes)
    is_decoded, decoded = as_utf8(expanded, pin.encoding if pin else None)
    window, stream = look_into(decoded)
    text = window.text.removeprefix(UTF8_MARK)
    check_encoding(text)
    offset = len(window.text) - len(text) + position.start
    if seek and position.start and compression is Compression.NONE and not is_decoded:
        stream = limited(seek(offset), maximum_expanded_bytes, total=offset)
    elif offset:
        stream = _after(stream, offset)
    layout = tell_format(Window(text, is_whole_file=window.is_whole_file), object_key, pin)
    return Opened(layout.format, compression, _records(layout, stream, text, position))


def _after(stream: Iterator[bytes], offset: int) -> Iterator[bytes]:
    for chunk in stream:
        if len(chunk) > offset:
            return chain([chunk[offset:]], stream)
        offset -= len(chunk)
    return iter(())


def _records(layout: Layout, stream: Iterator[bytes], beginning: bytes, position: Position) -> Iterator[Outcome]:
    if layout.format is Format.EMPTY:
        return iter(())
    if layout.format is Format.NDJSON:
        return ndjson(stream, line_end=layout.line_end, position=position)
    if layout.format is Format.JSON:
        return (json_array if layout.is_array else json_object)(stream, position)
    beginning = beginning if position.start else b""
    return delimited(stream, delimiter=layout.delimiter, line_end=layout.line_end, beginning=beginning, position=position)
