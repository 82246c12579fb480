"""The time that is left of an invocation, so that work stops with a logged error before Lambda's timeout."""

from collections.abc import Callable
from typing import Final

_WHOLE: Final = 0.75
"""Share of the invocation's time; an object that begins with more has had a whole invocation."""
_PART_TO_BEGIN: Final = 0.25
"""Share of the invocation's time; with less left, an object waits for another invocation, which has all its time."""

RESERVED_SECONDS: Final = 5.0
"""Seconds reserved for the work after the last record is written, or before the next invocation continues."""


class OutOfTimeError(Exception):
    """Raised when too little time is left for the work; SQS redelivers the message."""


class Deadline:
    """The end of one invocation; create it when the invocation begins.

    Args:
        remaining_seconds: Returns how long the function may still run, as Lambda's context reports it.
    """

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds = remaining_seconds
        self._whole_seconds = remaining_seconds()

    @property
    def is_whole(self) -> bool:
        """Whether nearly all of the invocation's time is left."""
        return self._remaining_seconds() > self._whole_seconds * _WHOLE

    @property
    def is_too_late_to_begin(self) -> bool:
        """Whether too little time is left to begin an object; never true for the first object of a batch."""
        return self.is_too_late_for(self._whole_seconds * _PART_TO_BEGIN)

    def is_too_late_for(self, seconds: float) -> bool:
        """Return whether less time is left."""
        return self._remaining_seconds() < seconds

    def check(self, what: str, *, reserved_seconds: float) -> None:
        """Raise an error unless enough time is left.

        Args:
            what: The step that needs the time, as a clause: "the object is read".
            reserved_seconds: Seconds that must be left for the steps after it.

        Raises:
            OutOfTimeError: Less time is left.
        """
        if self.is_too_late_for(reserved_seconds):
            raise OutOfTimeError(f"the function's time ends before {what}; the next delivery repeats it")
