"""How the run fails: with what happened, where to look, and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RunFailure(Exception):  # noqa: N818 - it is the run that failed, for whatever reason
    """The run cannot go on.

    Attributes:
        message: What happened, in a sentence.
        hint: What to do about it.
        log: The file with the whole story, if there is one.
        tail: That file's last lines.
    """

    def __init__(self, message: str, *, hint: str = "", log: Path | None = None, tail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log
        self.tail = tail


class Refused(RunFailure):
    """The run was not begun, because it could have touched what is not its own."""
