"""CSV and TSV with a header, as RFC 4180 has them; what is decided of odd files stands in the package's docstring."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from handlers.processor.errors import Fault, Reject, UnreadableError
from handlers.processor.parsers.json_values import decode
from handlers.processor.parsers.lines import lines
from handlers.processor.parsers.records import MAXIMUM_RECORD_BYTES, Outcome, RawRecord

_DELIMITERS: Final = (",", "\t", ";")
_QUOTE: Final = b'"'
_UP_TO_CLOSING_QUOTE: Final = re.compile(rb'(?:[^"]++|"")*+"')  # "" is a quote within the field

csv.field_size_limit(MAXIMUM_RECORD_BYTES)  # the module's own limit, 128 KiB, is less than an item takes


def delimiter_of(header: bytes, *, prefer_tab: bool) -> str:
    """Return the delimiter that a header line holds most of, outside quotes; of a header of one column, a default."""
    unquoted = b"".join(header.split(_QUOTE)[::2])
    if prefer_tab and (b"\t" in unquoted or b"," not in unquoted):
        return "\t"
    return max(_DELIMITERS, key=lambda delimiter: unquoted.count(delimiter.encode()))


def split_row(text: str, delimiter: str) -> list[str]:
    """Return a row's fields.

    Raises:
        Reject: Its quotes are not as they must be.
    """
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Reject(f'the row is not as RFC 4180 has it: {error}; write a quote within a field as ""') from error
    return rows[0] if rows else [""]


def delimited(chunks: Iterable[bytes], *, delimiter: str, line_end: bytes) -> Iterator[Outcome]:
    """Yield every row under the header, by the header's names; every value is text.

    Raises:
        UnreadableError: The header names no columns, or a quoted field is never closed.
    """
    rows = _rows(lines(chunks, end=line_end), delimiter.encode(), line_end)
    table = _Table(next(rows), delimiter)
    return (Outcome(row, table.parse) for row in rows)


class _Table:
    """A header, and what it makes of a row."""

    def __init__(self, header: RawRecord, delimiter: str) -> None:
        self._delimiter = delimiter
        self._names = _column_names(header, delimiter)

    def parse(self, row: RawRecord) -> dict[str, Any]:
        fields = split_row(decode(row), self._delimiter)
        if len(fields) != len(self._names):
            raise Reject(f"the row has {len(fields)} fields and the header {len(self._names)}; is a field not quoted?")
        return dict(zip(self._names, fields, strict=True))


def _column_names(header: RawRecord, delimiter: str) -> list[str]:
    try:
        names = split_row(decode(header), delimiter)
    except Reject as problem:
        raise UnreadableError(Fault.BAD_HEADER, f"the header cannot be read: {problem}") from problem
    nameless = [str(position) for position, name in enumerate(names, start=1) if not name]
    if nameless:
        raise UnreadableError(Fault.BAD_HEADER, f"column {', '.join(nameless[:10])} has no name; name every column")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) != len(names) else []
    if twice:
        raise UnreadableError(Fault.BAD_HEADER, f"two columns have the name {twice[0][:100]!r}; name them apart")
    return names


def _rows(every_line: Iterator[RawRecord], delimiter: bytes, line_end: bytes) -> Iterator[RawRecord]:
    """Join the lines that a quoted field spans, and leave out blank ones."""
    blank = b" \r" if delimiter == b"\t" else b" \t\r"
    for line in every_line:
        if not line.text.strip(blank) and not line.is_too_long:
            continue
        row = line
        if _QUOTE in line.text and _ends_in_quotes(line, delimiter, in_quotes=False):
            row = _join(line, every_line, delimiter, line_end)
        yield RawRecord(row.line, row.text.removesuffix(b"\r"), is_too_long=row.is_too_long)


def _join(first: RawRecord, following: Iterator[RawRecord], delimiter: bytes, line_end: bytes) -> RawRecord:
    parts = [first.text]
    size = len(first.text)
    for line in following:
        size += len(line_end) + len(line.text)
        if size <= MAXIMUM_RECORD_BYTES:
            parts.append(line.text)
        if _QUOTE in line.text and not _ends_in_quotes(line, delimiter, in_quotes=True):
            return RawRecord(first.line, line_end.join(parts), is_too_long=size > MAXIMUM_RECORD_BYTES)
    raise UnreadableError(
        Fault.BAD_STRUCTURE,
        f"the quote that opens on line {first.line} is never closed, so where that record ends cannot be told: the "
        'file is cut off, or a quote within a field is not written as ""',
    )


def _ends_in_quotes(line: RawRecord, delimiter: bytes, *, in_quotes: bool) -> bool:
    """Return whether a line ends inside a quoted field; a quote opens a field only as its first character."""
    if line.is_too_long:
        raise UnreadableError(
            Fault.BAD_STRUCTURE,
            f"line {line.line} has quotes and is longer than {MAXIMUM_RECORD_BYTES} bytes, so where its record ends "
            "cannot be told",
        )
    text = line.text
    position = 0
    while True:
        if not in_quotes and text.startswith(_QUOTE, position):
            in_quotes = True
            position += 1
        if in_quotes:
            closed = _UP_TO_CLOSING_QUOTE.match(text, position)
            if not closed:
                return True
            in_quotes = False
            position = closed.end()
        position = text.find(delimiter, position) + 1
        if position == 0:
            return False
