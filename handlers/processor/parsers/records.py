"""The records that every parser yields."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

MAXIMUM_RECORD_BYTES: Final = 4 * 1024 * 1024
"""Longest text of a record that is parsed: an item has at most 400 KB, and JSON may write a character in six bytes."""

EXCERPT_BYTES: Final = 200


class Position(msgspec.Struct, frozen=True, gc=False):
    """The beginning of a record, from which a parser can resume."""

    start: int = 0
    """Bytes before it in the decompressed file, as UTF-8 and without a byte order mark."""
    line: int = 1
    """Number of its first line, from 1."""


FIRST: Final = Position()
"""The beginning of a file."""


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A record of the file before it is parsed."""

    line: int
    """Number of its first line, from 1."""
    text: bytes
    """Its bytes; only the beginning if it is longer than `MAXIMUM_RECORD_BYTES`."""
    start: int = 0
    """Bytes before it; see `Position`."""
    is_too_long: bool = False

    @property
    def excerpt(self) -> str:
        """Beginning of the record, for a reader to recognise it; bytes that are not UTF-8 become hexadecimal digits."""
        beginning = self.text[:EXCERPT_BYTES].decode("utf-8", errors="backslashreplace")
        return beginning + "…" if len(self.text) > EXCERPT_BYTES else beginning


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """One record of the file; `parse` returns its value or raises Reject."""

    raw: RawRecord
    parse: Callable[[RawRecord], dict[str, Any]]
    decoded: dict[str, Any] | None = None
    """The value, where finding the record's end has decoded it already."""

    def value(self) -> dict[str, Any]:
        """Return the record's value.

        Raises:
            Reject: The record cannot be parsed.
        """
        return self.parse(self.raw) if self.decoded is None else self.decoded
