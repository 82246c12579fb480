"""Replicate writes between regions: each item by itself, after its own lag.

The writes of an item keep their order. Nothing else is ordered: two items, even of one transaction, arrive after different
lags. Writes that a cut has held start again when the link is restored, again item by item. Writes that have not left a
destroyed region are lost.

A thread of the replicator waits. A write is applied on the event loop, like every other change of state.
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
"""Maximum number of writes that the event loop applies before it does other work."""


class Service(NamedTuple):
    """A service that replicates.

    Attributes:
        name: AWS's name of the service.
        median: Median delay of an item in seconds, beyond the configured lag; AWS's is about ten times as long.
        longest: Maximum of this delay in seconds.
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
    """The unreplicated writes of one item from one region to another, in order."""

    service: Service
    source: str
    destination: str
    identity: Hashable
    writes: deque[_Write] = field(default_factory=deque)

    @property
    def link(self) -> tuple[str, str]:
        return self.source, self.destination


class Replicator:
    """The unreplicated writes between regions."""

    def __init__(self) -> None:
        self._items: dict[Hashable, _Item] = {}
        self._travelling: list[tuple[float, int, _Item]] = []
        """A heap: the time of an item's next write, a number that keeps the order of equals, and the item."""
        self._held: list[_Item] = []
        """Items with a due write while their link is cut."""
        self._numbers = itertools.count()
        self._started = False

    def send(
        self, source: str, destination: str, apply: Callable[[], object], *, service: Service, identity: Hashable
    ) -> None:
        """Apply a write after its lag, when the link between the regions is up.

        Args:
            source: The region of the write.
            destination: The region to apply it in.
            apply: Applies the write; runs on the event loop, in the account of the caller.
            service: The service of the data.
            identity: The item's identity within the service.
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
        """Return the number of unreplicated writes."""
        with regions.current.changed:
            return sum(len(item.writes) for item in self._items.values())

    def drop_from(self, region: str) -> int:
        """Drop every write that has not left a region; return their number."""
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
        """Block until writes with an open link are due, and return them."""
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
        """Start the held items again whose link is up, each after a new lag and so in a new order."""
        held, self._held = self._held, []
        for item in held:
            if regions.may_replicate(*item.link):
                self._set_out(item, now + _tail(item.service))
            elif item.writes:
                self._held.append(item)

    def _seconds_to_wait(self, now: float) -> float | None:
        """Return the seconds until the next write is due or held writes are checked; None without a write."""
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
