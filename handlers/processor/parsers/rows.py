"""Split a CSV or TSV stream of chunks into rows; no row in memory is longer than the longest record.

A quoted field may span lines, so only quotes and delimiters determine where a row ends. The splitter follows them over the
whole stream: a row that is too long for memory is still one row, and the next row begins at the right place.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from enum import Enum, auto
from typing import Final

from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.parsers.records import FIRST, MAXIMUM_RECORD_BYTES, Position, RawRecord

_QUOTE: Final = b'"'


class _At(Enum):
    """Position of the splitter in a row."""

    FIELD_START = auto()
    QUOTED = auto()
    CLOSING = auto()
    """After a quote within a quoted field: a second quote makes both one quote of the text, else the field is closed."""
    UNQUOTED = auto()
    """Here a quote is an ordinary character; after a closing quote it makes the row invalid."""


def rows(chunks: Iterable[bytes], *, delimiter: bytes, line_end: bytes, position: Position = FIRST) -> Iterator[RawRecord]:
    """Yield every row that is not blank, without its end; `delimiter` and `line_end` are one byte each.

    `position` is that of the first chunk.

    Raises:
        UnreadableError: A quoted field is never closed.
    """
    # A tab may be a row of empty fields.
    blank = b" \r" if delimiter == b"\t" else b" \t\r"
    for row in _Splitter(delimiter, line_end, position).split(chunks):
        if row.text.endswith(b"\r"):  # without its end
            row = RawRecord(row.line, row.text[:-1], row.start, is_too_long=row.is_too_long)  # noqa: PLW2901
        if row.is_too_long or row.text.strip(blank):
            yield row


class _Splitter:
    def __init__(self, delimiter: bytes, line_end: bytes, position: Position) -> None:
        self._line_end = line_end
        self._field_or_row_end = re.compile(b"[" + re.escape(delimiter + line_end) + b"]")
        self._at = _At.FIELD_START
        self._line = position.line  # the first line of the row
        self._start = position.start
        self._lines_within = 0
        self._parts: list[bytes] = []
        self._size = 0

    def split(self, chunks: Iterable[bytes]) -> Iterator[RawRecord]:
        for chunk in chunks:
            start = 0
            while (end := self._row_end(chunk, start)) >= 0:
                self._keep(chunk, start, end)
                yield self._finish_row()
                start = yield from self._plain_rows(chunk, end + 1)
            self._keep(chunk, start, len(chunk))
        if self._at is _At.QUOTED:
            raise UnreadableError(
                Fault.BAD_STRUCTURE,
                f"in the record on line {self._line} a quote opens that is never closed, so the end of that record is "
                'unknown: the file is cut off, or a quote within a field is not written as ""',
            )
        if self._size:
            yield self._finish_row()

    def _plain_rows(self, chunk: bytes, start: int) -> Generator[RawRecord, None, int]:
        """Yield the whole rows before the next quote; return the position after them."""
        quote = chunk.find(_QUOTE, start)
        end = chunk.rfind(self._line_end, start, quote if quote >= 0 else len(chunk))
        if end < 0:
            return start
        for line, text in enumerate(chunk[start:end].split(self._line_end), start=self._line):
            yield RawRecord(line, text[:MAXIMUM_RECORD_BYTES], self._start, is_too_long=len(text) > MAXIMUM_RECORD_BYTES)
            self._start += len(text) + 1
            self._line = line + 1
        return end + 1

    def _row_end(self, chunk: bytes, position: int) -> int:
        """Return the position in a chunk where the current row ends; -1 if it does not end in this chunk."""
        if self._at is _At.FIELD_START and not self._size:  # most rows begin and end in one chunk and have no quotes
            end = chunk.find(self._line_end, position)
            if end >= 0 and chunk.find(_QUOTE, position, end) < 0:
                return end
        while position < len(chunk):
            if self._at is _At.QUOTED:
                position = self._through_quotes(chunk, position)
            elif self._at is not _At.UNQUOTED and chunk.startswith(_QUOTE, position):
                self._at = _At.QUOTED  # an opening quote, or the second of two
                position += 1
            else:
                found = self._field_or_row_end.search(chunk, position)
                if not found:
                    self._at = _At.UNQUOTED
                    return -1
                self._at = _At.FIELD_START
                if found[0] == self._line_end:
                    return found.start()
                position = found.end()
        return -1

    def _through_quotes(self, chunk: bytes, position: int) -> int:
        """Return the position after the next quote, or the end of the chunk."""
        quote = chunk.find(_QUOTE, position)
        end = quote if quote >= 0 else len(chunk)
        self._lines_within += chunk.count(self._line_end, position, end)
        if quote < 0:
            return end
        self._at = _At.CLOSING
        return quote + 1

    def _keep(self, chunk: bytes, start: int, end: int) -> None:
        if start < end:
            if self._size <= MAXIMUM_RECORD_BYTES:  # the beginning of a longer row is enough
                self._parts.append(chunk[start:end])
            self._size += end - start

    def _finish_row(self) -> RawRecord:
        text = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        is_too_long = self._size > MAXIMUM_RECORD_BYTES
        text = text[:MAXIMUM_RECORD_BYTES] if is_too_long else text
        row = RawRecord(self._line, text, self._start, is_too_long=is_too_long)
        self._start += self._size + 1
        self._line += 1 + self._lines_within
        self._lines_within, self._size = 0, 0
        self._parts = []
        self._at = _At.FIELD_START
        return row
