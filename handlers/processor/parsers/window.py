"""Look at the beginning of a stream before the stream is parsed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from handlers.processor.parsers.records import MAXIMUM_RECORD_BYTES

WINDOW_BYTES: Final = MAXIMUM_RECORD_BYTES
"""Long enough for the longest record, so that the window holds the whole first record."""


@dataclass(frozen=True)
class Window:
    """The beginning of a file."""

    text: bytes
    is_whole_file: bool


def look_into(chunks: Iterator[bytes]) -> tuple[Window, Iterator[bytes]]:
    """Return the beginning of a stream of chunks, and the whole stream."""
    seen = bytearray()
    rest = b""
    for chunk in chunks:
        room = WINDOW_BYTES - len(seen)
        seen += chunk[:room]
        if len(chunk) > room:
            rest = chunk[room:]
            break
    beginning = bytes(seen)
    return Window(beginning, is_whole_file=not rest), chain([beginning, rest], chunks)
