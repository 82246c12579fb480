"""What every parser yields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MAXIMUM_RECORD_BYTES: Final = 4 * 1024 * 1024
"""The longest text of one record that is parsed: an item takes 400 KB, and in JSON a character may take six bytes."""

EXCERPT_BYTES: Final = 200


@dataclass(frozen=True)
class RawRecord:
    """A record as it stands in the file, not yet parsed."""

    line: int
    """The line that it begins on, from 1."""
    text: bytes
    """Its bytes; where it is longer than `MAXIMUM_RECORD_BYTES`, only its beginning."""
    is_too_long: bool = False

    @property
    def excerpt(self) -> str:
        """Return its beginning, for a person to know it by; bytes that are not UTF-8 as their hexadecimal digits."""
        beginning = self.text[:EXCERPT_BYTES].decode("utf-8", errors="backslashreplace")
        return beginning + "…" if len(self.text) > EXCERPT_BYTES else beginning


@dataclass(frozen=True)
class Outcome:
    """One record that the file held: `parse` gives its value, or raises Reject."""

    raw: RawRecord
    parse: Callable[[RawRecord], dict[str, Any]]
