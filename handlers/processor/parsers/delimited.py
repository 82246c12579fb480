"""Parse CSV and TSV with a header (RFC 4180); the package's docstring lists the rules for irregular files."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from handlers.processor.errors import Fault, Reject, UnreadableError
from handlers.processor.parsers.json_values import decode
from handlers.processor.parsers.records import FIRST, MAXIMUM_RECORD_BYTES, Outcome, Position, RawRecord
from handlers.processor.parsers.rows import rows

DELIMITERS: Final = (",", "\t", ";")
_QUOTE: Final = b'"'
_POSITIONS_LISTED: Final = 10
"""Positions of unnamed columns that a message lists."""

csv.field_size_limit(MAXIMUM_RECORD_BYTES)  # the module's own limit, 128 KiB, is less than an item takes


def delimiters_in(header: bytes, allowed: Iterable[str]) -> list[str]:
    """Return the delimiters that a header holds outside quotes, the most frequent first."""
    unquoted = b"".join(header.split(_QUOTE)[::2])
    counts = {delimiter: unquoted.count(delimiter.encode()) for delimiter in allowed}
    return sorted((delimiter for delimiter, count in counts.items() if count), key=lambda one: -counts[one])


def split_row(text: str, delimiter: str) -> list[str]:
    """Return a row's fields.

    Raises:
        Reject: Its quotes break RFC 4180.
    """
    if '"' not in text and "\r" not in text and "\n" not in text:
        return text.split(delimiter)
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Reject(f'the row breaks RFC 4180: {error}; write a quote within a field as ""') from error
    return rows[0] if rows else [""]


def delimited(
    chunks: Iterable[bytes], *, delimiter: str, line_end: bytes, beginning: bytes = b"", position: Position = FIRST
) -> Iterator[Outcome]:
    """Yield every row below the header as a record with the header's names; every value is text.

    Args:
        chunks: The text from `position` on.
        delimiter: One character.
        line_end: One byte.
        beginning: The beginning of the file, with its header, if `position` is another one.
        position: Position of a row.

    Raises:
        UnreadableError: The header names no columns, or a quoted field is never closed.
    """
    below = rows(chunks, delimiter=delimiter.encode(), line_end=line_end, position=position)
    header = next(rows([beginning], delimiter=delimiter.encode(), line_end=line_end) if beginning else below)
    table = _Table(header, delimiter)
    return (Outcome(row, table.parse) for row in below)


class _Table:
    """A header, which parses the rows below it."""

    def __init__(self, header: RawRecord, delimiter: str) -> None:
        self._delimiter = delimiter
        self._names = _column_names(header, delimiter)
        self._refusal = _refusal(self._names)

    def parse(self, row: RawRecord) -> dict[str, Any]:
        if self._refusal:
            raise Reject(self._refusal)
        fields = split_row(decode(row), self._delimiter)
        if len(fields) != len(self._names):
            raise Reject(f"the row has {len(fields)} fields and the header {len(self._names)}; is a field not quoted?")
        return dict(zip(self._names, fields, strict=True))


def _column_names(header: RawRecord, delimiter: str) -> list[str]:
    try:
        names = split_row(decode(header), delimiter)
    except Reject as problem:
        raise UnreadableError(Fault.BAD_HEADER, f"the header cannot be read: {problem}") from problem
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        explanation = f"two columns have the name {twice[0][:100]!r}; give each column a name of its own"
        raise UnreadableError(Fault.BAD_HEADER, explanation)
    return names


def _refusal(names: list[str]) -> str:
    """Return why no row below a header can be a record; "" if all can. An empty key is rejected in JSON too."""
    nameless = [str(position) for position, name in enumerate(names, start=1) if not name]
    if not nameless:
        return ""
    listed = ", ".join(nameless[:_POSITIONS_LISTED])
    more = f" and {len(nameless) - _POSITIONS_LISTED} more" if len(nameless) > _POSITIONS_LISTED else ""
    subject = (
        f"column {listed} of {len(names)} has" if len(nameless) == 1 else f"columns {listed}{more} of {len(names)} have"
    )
    return (
        f"{subject} no name in the header, and a record cannot have an empty key; name every column, or leave out the "
        "one that has none (with pandas, to_csv(..., index=False))"
    )
