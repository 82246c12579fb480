"""The known state of the drill's objects in both replicas: which have their RESULT, and since when.

The ledger is asked for a few hundred of the objects that are still expected, in turn, so that a look costs the same with ten
thousand objects under way as with ten.
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
    """Object ids without a RESULT here, and when each was uploaded; the next to be looked at first."""
    seen: dict[str, float] = field(default_factory=dict)
    """Object ids with a RESULT here, and when it was first seen."""


@dataclass(frozen=True)
class Look:
    """The result of one look at a region's replica.

    Attributes:
        new: RESULT rows that were not there at the look before.
        pending: Objects that have none here.
        oldest_seconds: Age of the oldest of them; 0 if there is none.
        behind_seconds: For how long the other region has had a RESULT that is not here; 0 if there is none.
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
        """Expect a RESULT of an object in each region."""
        with self._lock:
            for region in self._regions.values():
                if object_id not in region.seen:
                    region.pending.setdefault(object_id, uploaded_at)

    def look(self, ledger: Ledger, *, all_of_them: bool = False) -> Look:
        """Ask a region's replica.

        Raises:
            ClientError: The table refused.
            BotoCoreError: It did not answer.
        """
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
        """How many objects are without a RESULT in a region, as far as was looked."""
        with self._lock:
            return len(self._regions[region].pending)

    def missing(self, region: str) -> list[str]:
        """Which objects have a RESULT in the other region, and none here."""
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
