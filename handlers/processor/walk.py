"""Walks through the records of an object until the invocation's time ends, and knows where the next one resumes."""

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple

from handlers.processor.deadline import RESERVED_SECONDS, Deadline, OutOfTimeError
from handlers.processor.parsers import FIRST, Outcome, Position

_SECONDS_BETWEEN_LOOKS: Final = 0.25
"""One record may take a microsecond or a second, so the deadline is looked at by time."""


class Place(NamedTuple):
    """A record of an object."""

    ordinal: int = 0
    position: Position = FIRST


class Walk:
    """The ordinal and the record of each record of an object, from some place on, while time is left.

    Args:
        records: The records from `place` on. Their iterator may raise OutOfTimeError.
        place: Place of the first of them.
        first: Ordinal of the first record to yield; the ones between were taken before.
        deadline: End of the invocation.
        seconds_to_write: Seconds that are left after the last record, to write the ones that were yielded.

    Attributes:
        next: Ordinal of the first record that is not taken.
        is_late: Whether time ended before the last record.
    """

    def __init__(
        self, records: Iterable[Outcome], place: Place, first: int, deadline: Deadline, *, seconds_to_write: float = 0.0
    ) -> None:
        self._records = islice(records, first - place.ordinal, None)
        self._deadline = deadline
        self._reserved_seconds = RESERVED_SECONDS + seconds_to_write
        self._places = [place]
        self._last: Outcome | None = None
        self.next = first
        self.is_late = False

    def __iter__(self) -> Iterator[tuple[int, Outcome]]:
        next_look = 0.0
        try:
            for ordinal, record in enumerate(self._records, start=self.next):
                now = time.monotonic()
                if now >= next_look:
                    self._deadline.check("the object is read", reserved_seconds=self._reserved_seconds)
                    self._places.append(Place(ordinal, Position(record.raw.start, record.raw.line)))
                    next_look = now + _SECONDS_BETWEEN_LOOKS
                yield ordinal, record
                self.next = ordinal + 1
                self._last = record
        except OutOfTimeError:
            self.is_late = True

    @property
    def last(self) -> Place:
        """Place of the last record that was taken; a walk from it skips that record."""
        if self._last is None:
            return self._places[0]
        return Place(self.next - 1, Position(self._last.raw.start, self._last.raw.line))

    def place_of(self, ordinal: int) -> Place:
        """Return a place at or before a record; one is kept for each quarter of a second."""
        return self._places[bisect_right(self._places, ordinal, key=attrgetter("ordinal")) - 1]


def in_time(chunks: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    """Yield the chunks while time is left.

    Raises:
        OutOfTimeError: Time has ended.
    """
    for chunk in chunks:
        deadline.check("the object is read", reserved_seconds=RESERVED_SECONDS)
        yield chunk
