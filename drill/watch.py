"""The known state of the drill's objects in both replicas: those with a RESULT, and the time since when.

Each look asks the ledger for a few hundred of the expected objects, in turn. It therefore costs the same for ten thousand
objects as for ten. It counts RESULT rows, for the curves and for waits; the proof counts records.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from operations.ledger import Ledger

_AT_ONCE = 600


@dataclass
class _Region:
    pending: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """Object ids without a RESULT here and their upload times, in the order of the next looks."""
    seen: dict[str, float] = field(default_factory=dict)
    """Object ids with a RESULT here, and the time it was first seen."""


@dataclass(frozen=True)
class Look:
    """The result of one look at a region's replica.

    Attributes:
        new: RESULT rows that the previous look did not find.
        pending: Objects without a RESULT here.
        oldest_seconds: Age in seconds of the oldest of them; 0 if there is none.
        behind_seconds: Longest time that the other region has had a RESULT that is missing here; 0 if none is missing.
    """

    new: int
    pending: int
    oldest_seconds: float
    behind_seconds: float


class Watch:
    """Watches the drill's objects in both regions; safe to use from several threads."""

    def __init__(self, regions: tuple[str, str]) -> None:
        self._regions = {region: _Region() for region in regions}
        self._lock = threading.Lock()

    def expect(self, object_id: str, uploaded_at: float) -> None:
        """Add an object, which needs a RESULT in each region."""
        with self._lock:
            for region in self._regions.values():
                if object_id not in region.seen:
                    region.pending.setdefault(object_id, uploaded_at)

    def look(self, ledger: Ledger, *, all_of_them: bool = False) -> Look:
        """Query a region's replica."""
        state = self._regions[ledger.region]
        with self._lock:
            asked = list(state.pending)[: None if all_of_them else _AT_ONCE]
        found = ledger.results(asked)
        now = time.time()
        with self._lock:
            for one in found:
                if state.pending.pop(one, None) is not None:
                    state.seen[one] = now
            for one in asked:
                if one in state.pending:
                    state.pending.move_to_end(one)
            return self._summary(ledger.region, len(found), now)

    def pending(self, region: str) -> int:
        """Return the number of objects without a RESULT in a region, by the latest looks."""
        with self._lock:
            return len(self._regions[region].pending)

    def missing(self, region: str) -> list[str]:
        """Return the objects with a RESULT in the other region and none here."""
        with self._lock:
            return [one for one in self._regions[region].pending if self._elsewhere(region, one) is not None]

    def _summary(self, region: str, new: int, now: float) -> Look:
        pending = self._regions[region].pending
        elsewhere = [seen for one in pending if (seen := self._elsewhere(region, one)) is not None]
        return Look(
            new=new,
            pending=len(pending),
            oldest_seconds=now - min(pending.values(), default=now),
            behind_seconds=now - min(elsewhere, default=now),
        )

    def _elsewhere(self, region: str, one: str) -> float | None:
        return next((state.seen[one] for name, state in self._regions.items() if name != region and one in state.seen), None)
