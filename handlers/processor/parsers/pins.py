"""Find the format, delimiter and encoding that the setting `formats` gives a file by the beginning of its key."""

from dataclasses import dataclass
from functools import cache
from typing import Final

from handlers.shared import object_keys

_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}


@dataclass(frozen=True)
class Pin:
    """The format, delimiter and encoding that are set for a file."""

    format: str
    """`csv`, `tsv`, `ndjson` or `json`."""
    delimiter: str | None
    """None where the header decides."""
    encoding: str | None
    """None for UTF-8. The byte order mark of UTF-8 or UTF-16 decides before it."""


def pinned(formats: str, object_key: str) -> Pin | None:
    """Return what is set for a file: the entry with the longest beginning of its key decides; None if there is none.

    Nothing can be set for the observer's canaries.

    Args:
        formats: Entries `<beginning>=<format>[ <delimiter>][ <encoding>]`, joined by commas.
        object_key: Key of the object; the beginnings are of the client's name of the file.
    """
    if object_key.startswith(object_keys.CANARIES):
        return None
    file_key = object_keys.file_key(object_key)
    return next((pin for beginning, pin in _pins(formats) if file_key.startswith(beginning)), None)


@cache
def _pins(formats: str) -> list[tuple[str, Pin]]:
    """Return beginnings and what is set for them, the longest first."""
    found = []
    for entry in filter(None, formats.split(",")):
        beginning, _, setting = entry.rpartition("=")
        name, *more = setting.split(" ")
        delimiter = _DELIMITERS[more.pop(0)] if more and more[0] in _DELIMITERS else None
        found.append((beginning, Pin(name, "\t" if name == "tsv" else delimiter, more[0] if more else None)))
    return sorted(found, key=lambda one: -len(one[0]))
