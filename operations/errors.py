"""The errors of a run: what happened, where the log is, and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RunFailure(Exception):  # noqa: N818 - it is the run that failed, for whatever reason
    """Raised when a run cannot continue.

    Attributes:
        message: One sentence on what happened.
        hint: What the user can do about it.
        log: The log file, if there is one.
        tail: The last lines of the log.
    """

    def __init__(self, message: str, *, hint: str = "", log: Path | None = None, tail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log
        self.tail = tail


class Refused(RunFailure):
    """Raised before a run starts, if it could change something that is not its own."""
