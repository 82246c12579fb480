"""Carries writes from one region to another: each item by itself, after a lag of its own.

The writes of an item keep their order. Nothing else is ordered: two items, even of one transaction, arrive as their lags
have it. What a cut holds back sets out again when the link is restored, again item by item. What has not left a region
that is destroyed is lost.

A thread of the replicator waits; a write is applied on the event loop, where every other change of the state happens.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextvars
import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ministack import app

from local_cloud import hazards, regions

_log: Final = logging.getLogger("local_cloud.replication")
_RECHECK_SECONDS: Final = 0.2
_AT_ONCE: Final = 50
"""How many writes the event loop applies before it looks at what else there is to do."""


class Service(NamedTuple):
    """A service that replicates.

    Attributes:
        name: AWS's.
        median: Seconds by which half of its items arrive after the configured lag; AWS's are about ten times as many.
        longest: Seconds that no item takes longer.
    """

    name: str
    median: float
    longest: float


TABLES: Final = Service("dynamodb", 0.05, 5.0)
BUCKETS: Final = Service("s3", 0.1, 8.0)
SECRETS: Final = Service("secretsmanager", 0.1, 5.0)


@dataclass(frozen=True)
class _Write:
    due: float
    apply: Callable[[], object]
    context: contextvars.Context


@dataclass
class _Item:
    """The writes of one item on their way from a region to another, in order."""

    service: Service
    source: str
    destination: str
    identity: Hashable
    writes: deque[_Write] = field(default_factory=deque)

    @property
    def link(self) -> tuple[str, str]:
        return self.source, self.destination


class Replicator:
    """The writes on their way between regions."""

    def __init__(self) -> None:
        self._items: dict[Hashable, _Item] = {}
        self._travelling: list[tuple[float, int, _Item]] = []
        """When an item's next write is due, a number that keeps the order of equals, and the item; a heap."""
        self._held: list[_Item] = []
        """Items whose next write is due while their link is cut."""
        self._numbers = itertools.count()
        self._started = False

    def send(
        self, source: str, destination: str, apply: Callable[[], object], *, service: Service, identity: Hashable
    ) -> None:
        """Apply a write after its lag, once the link between the regions is up.

        Args:
            source: The region where it was made.
            destination: The region where it is to be applied.
            apply: Applies it; runs on the event loop, in the account of the caller.
            service: Whose data it is.
            identity: Of the item within the service.
        """
        write = _Write(time.monotonic() + _lag(service), apply, contextvars.copy_context())
        with regions.current.changed:
            key = service.name, source, destination, identity
            item = self._items.setdefault(key, _Item(service, source, destination, identity))
            item.writes.append(write)
            if len(item.writes) == 1:
                self._set_out(item, write.due)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="replication", daemon=True).start()

    def waiting(self) -> int:
        """Return how many writes have not been applied yet."""
        with regions.current.changed:
            return sum(len(item.writes) for item in self._items.values())

    def drop_from(self, region: str) -> int:
        """Lose every write that has not left a region; return how many they were."""
        with regions.current.changed:
            lost = [key for key, item in self._items.items() if item.source == region]
            # An item that is on the heap or held, and has no writes, is passed over.
            writes = [self._items.pop(key).writes for key in lost]
            count = sum(map(len, writes))
            for each in writes:
                each.clear()
            return count

    def _set_out(self, item: _Item, due: float) -> None:
        entry = (due, next(self._numbers), item)
        heapq.heappush(self._travelling, entry)
        # Else the thread wakes by itself for one that is due before.
        if self._travelling[0] is entry:
            regions.current.changed.notify_all()

    def _run(self) -> None:
        while True:
            ready = self._take_ready()
            loop = app._MAIN_LOOP
            if loop is not None:
                for first in range(0, len(ready), _AT_ONCE):
                    loop.call_soon_threadsafe(_apply_all, ready[first : first + _AT_ONCE])

    def _take_ready(self) -> list[_Write]:
        """Block until writes are due whose link is up, and take them."""
        with regions.current.changed:
            while True:
                now = time.monotonic()
                self._resume(now)
                ready: list[_Write] = []
                while self._travelling and self._travelling[0][0] <= now:
                    _, _, item = heapq.heappop(self._travelling)
                    if not item.writes:
                        continue
                    if not regions.may_replicate(*item.link):
                        self._held.append(item)
                        continue
                    ready.append(item.writes.popleft())
                    if item.writes:
                        self._set_out(item, max(item.writes[0].due, now))
                    else:
                        del self._items[item.service.name, item.source, item.destination, item.identity]
                if ready:
                    return ready
                regions.current.changed.wait(self._seconds_to_wait(now))

    def _resume(self, now: float) -> None:
        """Let what was held set out again where its link is up: each item after another lag, so in another order."""
        held, self._held = self._held, []
        for item in held:
            if regions.may_replicate(*item.link):
                self._set_out(item, now + _tail(item.service))
            elif item.writes:
                self._held.append(item)

    def _seconds_to_wait(self, now: float) -> float | None:
        """Return seconds until the next write is due; with none on its way, until something changes."""
        if self._travelling:
            return max(self._travelling[0][0] - now, 0.001)
        return _RECHECK_SECONDS if self._held else None


def _lag(service: Service) -> float:
    return regions.current.lag_seconds + _tail(service)


def _tail(service: Service) -> float:
    return hazards.current.tail("replication-tail", service.name, median=service.median, longest=service.longest)


def _apply_all(writes: list[_Write]) -> None:
    for write in writes:
        write.context.run(_apply, write)


def _apply(write: _Write) -> None:
    try:
        write.apply()
    except Exception:  # noqa: BLE001  one write that fails must not stop the others
        _log.exception("a replicated write could not be applied")


replicator: Final = Replicator()
