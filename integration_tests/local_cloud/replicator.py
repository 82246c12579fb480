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
from dataclasses import dataclass, field
from typing import Final

from ministack import app

from integration_tests.local_cloud import regions

_log: Final = logging.getLogger("local_cloud.replication")
_RECHECK_SECONDS: Final = 0.2


@dataclass(order=True)
class _Write:
    due: float
    number: int
    source: str = field(compare=False)
    destination: str = field(compare=False)
    apply: Callable[[], object] = field(compare=False)
    context: contextvars.Context = field(compare=False)


class Replicator:
    """One queue of writes on their way between regions."""

    def __init__(self) -> None:
        self._waiting: list[_Write] = []
        self._numbers = itertools.count()
        self._started = False

    def send(self, source: str, destination: str, apply: Callable[[], object]) -> None:
        """Apply a write after the lag, once the link between the regions is up.

        Args:
            source: The region where it was made.
            destination: The region where it is to be applied.
            apply: Applies it; runs on the event loop, in the account of the caller.
        """
        write = _Write(
            due=time.monotonic() + regions.current.lag_seconds,
            number=next(self._numbers),
            source=source,
            destination=destination,
            apply=apply,
            context=contextvars.copy_context(),
        )
        with regions.current.changed:
            heapq.heappush(self._waiting, write)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="replication", daemon=True).start()
            regions.current.changed.notify_all()

    def waiting(self) -> int:
        """How many writes have not been applied yet."""
        with regions.current.changed:
            return len(self._waiting)

    def _run(self) -> None:
        while True:
            for write in self._take_ready():
                loop = app._MAIN_LOOP
                if loop is not None:
                    loop.call_soon_threadsafe(write.context.run, _apply, write)

    def _take_ready(self) -> list[_Write]:
        """Block until writes are due whose link is up, and take them in the order they were made."""
        with regions.current.changed:
            while True:
                now = time.monotonic()
                ready = [
                    write
                    for write in sorted(self._waiting)
                    if write.due <= now and regions.may_replicate(write.source, write.destination)
                ]
                if ready:
                    taken = {write.number for write in ready}
                    self._waiting = [write for write in self._waiting if write.number not in taken]
                    heapq.heapify(self._waiting)
                    return ready
                next_due = min((write.due - now for write in self._waiting if write.due > now), default=_RECHECK_SECONDS)
                regions.current.changed.wait(min(max(next_due, 0.001), _RECHECK_SECONDS))


def _apply(write: _Write) -> None:
    try:
        write.apply()
    except Exception:  # noqa: BLE001  one write that fails must not stop the others
        _log.exception("a write from %s to %s could not be applied", write.source, write.destination)


replicator: Final = Replicator()
