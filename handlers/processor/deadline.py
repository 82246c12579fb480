"""How much of an invocation's time is left: better an error that is noted than a function that is stopped."""

from collections.abc import Callable
from typing import Final

_PART_TO_BEGIN: Final = 0.25
"""Of the time that the invocation had: with less, an object is left to another invocation, which has all of it."""


class OutOfTimeError(Exception):
    """The function's time ends before the work does; the message comes again."""


class Deadline:
    """The end of one invocation; make it when the invocation begins.

    Args:
        remaining_seconds: How long the function may still run, as Lambda's context tells it.
    """

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds = remaining_seconds
        self._seconds_to_begin = remaining_seconds() * _PART_TO_BEGIN

    @property
    def is_too_late_to_begin(self) -> bool:
        """Whether so little time is left that an object is better not begun; never so of a batch's first."""
        return self._remaining_seconds() < self._seconds_to_begin

    def check(self, what: str, *, reserved_seconds: float) -> None:
        """Go on only if there is time.

        Args:
            what: What the time is for, as in "the object is read".
            reserved_seconds: What must be left for everything after it.

        Raises:
            OutOfTimeError: There is less.
        """
        if self._remaining_seconds() < reserved_seconds:
            raise OutOfTimeError(f"the function's time ends before {what}; all of it is done again")
