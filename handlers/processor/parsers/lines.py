"""Split a stream of chunks into lines; no line in memory is longer than the longest record."""

from collections.abc import Iterable, Iterator

from handlers.processor.parsers.records import MAXIMUM_RECORD_BYTES, RawRecord


def lines(chunks: Iterable[bytes], *, end: bytes = b"\n") -> Iterator[RawRecord]:
    """Yield every line, also a blank one, without its end; `end` is one byte.

    The text after the last `end` is a line if it is not empty.
    """
    number = 1
    begun = _Line(number)
    for chunk in chunks:
        first, *others = chunk.split(end)
        begun.add(first)
        if not others:
            continue
        yield begun.finish()
        last = others.pop()
        for text in others:
            number += 1
            yield RawRecord(number, text[:MAXIMUM_RECORD_BYTES], is_too_long=len(text) > MAXIMUM_RECORD_BYTES)
        number += 1
        begun = _Line(number)
        begun.add(last)
    if begun.has_text:
        yield begun.finish()


class _Line:
    """A line that may continue in the next chunk."""

    __slots__ = ("_number", "_parts", "_size")

    def __init__(self, number: int) -> None:
        self._number = number
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def has_text(self) -> bool:
        return self._size > 0

    def add(self, text: bytes) -> None:
        if text:
            if self._size <= MAXIMUM_RECORD_BYTES:  # the beginning of a longer line is enough
                self._parts.append(text)
            self._size += len(text)

    def finish(self) -> RawRecord:
        text = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._size > MAXIMUM_RECORD_BYTES:
            return RawRecord(self._number, text[:MAXIMUM_RECORD_BYTES], is_too_long=True)
        return RawRecord(self._number, text)
