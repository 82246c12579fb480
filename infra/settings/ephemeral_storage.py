"""How much disk the processor needs, by how much it may have to spool of one file.

No record is written before a file's end was seen, so all that it becomes is on disk until then. What that takes was
measured: of JSON 1.0 to 1.8 times the file, of tables 2.7 to 5.5 times, for each record names its columns anew. A file
that takes more yet, such as one of many long column names, is quarantined with the reason.
"""

from __future__ import annotations

from typing import Final

MAXIMUM_MB: Final = 10_240
"""The most that Lambda gives a function."""

_MEBIBYTE: Final = 1024 * 1024
_TIMES_SPOOLED: Final = 4
_MARGIN_MB: Final = 512
"""What Lambda gives every function; for whatever else the code, or a transform, may put there."""

MOST_EXPANDED_BYTES: Final = (MAXIMUM_MB - _MARGIN_MB) // _TIMES_SPOOLED * _MEBIBYTE
"""The largest file, expanded, that there can be disk for."""

WHY_NO_MORE: Final = (
    f"is too large: of so many bytes the processor may have to spool {_TIMES_SPOOLED} times as many to its disk, and "
    f"{_MARGIN_MB} MB are for other things, where Lambda gives a function {MAXIMUM_MB} MB of ephemeral storage at most"
)


def needed_mb(maximum_expanded_bytes: int) -> int:
    """Return the ephemeral storage, in megabytes as Lambda counts them (2^20 bytes), for files of up to so many bytes.

    Args:
        maximum_expanded_bytes: At most `MOST_EXPANDED_BYTES`.
    """
    return -(-maximum_expanded_bytes * _TIMES_SPOOLED // _MEBIBYTE) + _MARGIN_MB
