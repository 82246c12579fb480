"""Ephemeral storage of the processor, derived from the largest file that it may have to spool.

The processor writes no record before it has read the whole file, so all records are on disk until then. Measured sizes
are 1.0 to 1.8 times the file for JSON and 2.7 to 5.5 times for tables, because each record repeats the column names. A
file that needs more, such as one with many long column names, is quarantined with the reason.
"""

from __future__ import annotations

from typing import Final

MAXIMUM_MB: Final = 10_240
"""Lambda's maximum for a function."""

_MEBIBYTE: Final = 1024 * 1024
_TIMES_SPOOLED: Final = 4
_MARGIN_MB: Final = 512
"""Lambda's default size, reserved for other files of the code or of a transform."""

MOST_EXPANDED_BYTES: Final = (MAXIMUM_MB - _MARGIN_MB) // _TIMES_SPOOLED * _MEBIBYTE
"""The largest expanded file that fits on the disk."""

WHY_NO_MORE: Final = (
    f"is too large: the processor may have to spool {_TIMES_SPOOLED} times as many bytes to its disk, and {_MARGIN_MB} MB "
    f"are reserved for other files; Lambda gives a function {MAXIMUM_MB} MB of ephemeral storage at most"
)


def needed_mb(maximum_expanded_bytes: int) -> int:
    """Return the ephemeral storage for files of up to a number of bytes, in Lambda's megabytes (2^20 bytes).

    Args:
        maximum_expanded_bytes: At most `MOST_EXPANDED_BYTES`.
    """
    return -(-maximum_expanded_bytes * _TIMES_SPOOLED // _MEBIBYTE) + _MARGIN_MB
