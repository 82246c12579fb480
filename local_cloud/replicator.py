"""Carries writes from one region to another: late by the lag, held back while a link is cut, in order per link.

Its own thread waits; the write itself is applied on the event loop, where every other change to the state happens.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextvars
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ministack import app

from local_cloud import regions

_log: Final = logging.getLogger("local_cloud.replication")
_RECHECK_SECONDS: Final = 0.2


_AT_ONCE: Final = 50
"""How many writes the event loop applies before it looks at what else there is to do."""


@dataclass(frozen=True)
class _Write:
    source: str
    destination: str
    apply: Callable[[], object]
    context: contextvars.Context

    @property
    def link(self) -> tuple[str, str]:
        return self.source, self.destination


_Waiting = tuple[float, int, _Write]
"""When a write is due, its number, and the write: in the order in which writes are applied."""


class Replicator:
    """One queue of writes on their way between regions."""

    def __init__(self) -> None:
        self._travelling: list[_Waiting] = []
        """Not due yet; a heap."""
        self._held: dict[tuple[str, str], list[_Waiting]] = {}
        """Due, by link, while that is cut."""
        self._numbers = itertools.count()
        self._started = False

    def send(self, source: str, destination: str, apply: Callable[[], object]) -> None:
        """Apply a write after the lag, once the link between the regions is up.

        Args:
            source: The region where it was made.
            destination: The region where it is to be applied.
            apply: Applies it; runs on the event loop, in the account of the caller.
        """
        write = _Write(source=source, destination=destination, apply=apply, context=contextvars.copy_context())
        with regions.current.changed:
            waiting = (time.monotonic() + regions.current.lag_seconds, next(self._numbers), write)
            heapq.heappush(self._travelling, waiting)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="replication", daemon=True).start()
            # Else the thread wakes by itself for one that is due before.
            if self._travelling[0] is waiting:
                regions.current.changed.notify_all()

    def waiting(self) -> int:
        """How many writes have not been applied yet."""
        with regions.current.changed:
            return len(self._travelling) + sum(map(len, self._held.values()))

    def _run(self) -> None:
        while True:
            ready = self._take_ready()
            loop = app._MAIN_LOOP
            if loop is not None:
                for first in range(0, len(ready), _AT_ONCE):
                    loop.call_soon_threadsafe(_apply_all, ready[first : first + _AT_ONCE])

    def _take_ready(self) -> list[_Write]:
        """Block until writes are due whose link is up, and take them in the order they were made."""
        with regions.current.changed:
            while True:
                now = time.monotonic()
                while self._travelling and self._travelling[0][0] <= now:
                    waiting = heapq.heappop(self._travelling)
                    self._held.setdefault(waiting[2].link, []).append(waiting)
                open_links = [link for link in self._held if regions.may_replicate(*link)]
                if open_links:
                    return [write for _, _, write in sorted(one for link in open_links for one in self._held.pop(link))]
                regions.current.changed.wait(self._seconds_to_wait(now))

    def _seconds_to_wait(self, now: float) -> float | None:
        """Until the next write is due; with none on its way, until something changes."""
        if self._travelling:
            return max(self._travelling[0][0] - now, 0.001)
        return _RECHECK_SECONDS if self._held else None


def _apply_all(writes: list[_Write]) -> None:
    for write in writes:
        write.context.run(_apply, write)


def _apply(write: _Write) -> None:
    try:
        write.apply()
    except Exception:  # noqa: BLE001  one write that fails must not stop the others
        _log.exception("a write from %s to %s could not be applied", write.source, write.destination)


replicator: Final = Replicator()
