"""The time that is left of an invocation, so that work stops with a logged error before Lambda's timeout."""

from collections.abc import Callable
from typing import Final

_PART_TO_BEGIN: Final = 0.25
"""Share of the invocation's time; with less left, an object waits for another invocation, which has all its time."""


class OutOfTimeError(Exception):
    """Raised when too little time is left for the work; SQS redelivers the message."""


class Deadline:
    """The end of one invocation; create it when the invocation begins.

    Args:
        remaining_seconds: Returns how long the function may still run, as Lambda's context reports it.
    """

    def __init__(self, remaining_seconds: Callable[[], float]) -> None:
        self._remaining_seconds = remaining_seconds
        self._seconds_to_begin = remaining_seconds() * _PART_TO_BEGIN

    @property
    def is_too_late_to_begin(self) -> bool:
        """Whether too little time is left to begin an object; never true for the first object of a batch."""
        return self._remaining_seconds() < self._seconds_to_begin

    def check(self, what: str, *, reserved_seconds: float) -> None:
        """Raise an error unless enough time is left.

        Args:
            what: The step that needs the time, as a clause: "the object is read".
            reserved_seconds: Seconds that must be left for the steps after it.

        Raises:
            OutOfTimeError: Less time is left.
        """
        if self._remaining_seconds() < reserved_seconds:
            raise OutOfTimeError(f"the function's time ends before {what}; the next delivery repeats all of it")
