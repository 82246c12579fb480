"""Split a stream of chunks into lines; no line in memory is longer than the longest record."""

from collections.abc import Iterable, Iterator

from handlers.processor.parsers.records import FIRST, MAXIMUM_RECORD_BYTES, Position, RawRecord


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
