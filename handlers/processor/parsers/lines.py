"""Split a stream of chunks into lines, none longer than the longest record; a file of NDJSON has one record a line."""

from collections.abc import Iterable, Iterator

from handlers.processor.parsers.json_values import parse_record
from handlers.processor.parsers.records import FIRST, MAXIMUM_RECORD_BYTES, Outcome, Position, RawRecord


def lines(chunks: Iterable[bytes], *, end: bytes = b"\n", position: Position = FIRST) -> Iterator[RawRecord]:
    """Yield every line, also a blank one, without its end; `end` is one byte.

    The text after the last `end` is a line if it is not empty. `position` is that of the first chunk.
    """
    number, start = position.line, position.start
    begun = _Line(number, start)
    for chunk in chunks:
        first, *others = chunk.split(end)
        begun.add(first)
        if not others:
            continue
        start += begun.size + 1
        yield begun.finish()
        last = others.pop()
        for text in others:
            number += 1
            yield RawRecord(number, text[:MAXIMUM_RECORD_BYTES], start, is_too_long=len(text) > MAXIMUM_RECORD_BYTES)
            start += len(text) + 1
        number += 1
        begun = _Line(number, start)
        begun.add(last)
    if begun.size:
        yield begun.finish()


class _Line:
    """A line that may continue in the next chunk."""

    __slots__ = ("_number", "_parts", "_start", "size")

    def __init__(self, number: int, start: int) -> None:
        self._number = number
        self._start = start
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, text: bytes) -> None:
        if text:
            if self.size <= MAXIMUM_RECORD_BYTES:  # the beginning of a longer line is enough
                self._parts.append(text)
            self.size += len(text)

    def finish(self) -> RawRecord:
        text = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self.size > MAXIMUM_RECORD_BYTES:
            return RawRecord(self._number, text[:MAXIMUM_RECORD_BYTES], self._start, is_too_long=True)
        return RawRecord(self._number, text, self._start)


def ndjson(chunks: Iterable[bytes], *, line_end: bytes, position: Position = FIRST) -> Iterator[Outcome]:
    """Yield the record of every line that is not blank; `position` is that of the first chunk."""
    for line in lines(chunks, end=line_end, position=position):
        is_blank = not line.text or line.text.isspace()
        if line.is_too_long or not is_blank:  # only the beginning of a line that is too long is known
            yield Outcome(line, parse_record)
