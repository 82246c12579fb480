"""The flow: a client that uploads one file after the other, in every phase from the fault to the end of the failback."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from drill.background import Background
from drill.load.items import LoadItem
from drill.load.sending import OnEvent, Sender

RECEIPTS: Final = "receipts-flow.jsonl"
PHASES: Final = 6
"""Phases that get a file each at least: detect to failback."""
_SHORTEST_PAUSE: Final = 1.0
_POLL_SECONDS: Final = 0.05
_SPAN_SECONDS: Final = 75.0
"""About as long as the phases from the fault to the failback take."""


class Flow:
    """Uploads files in a thread of its own."""

    def __init__(self, sender: Sender, items: Sequence[LoadItem], on_event: OnEvent) -> None:
        self._sender, self._items, self._on_event = sender, list(items), on_event
        self._turn = threading.Lock()
        self._hurry = threading.Event()
        self._nudges = threading.Semaphore(0)
        self._asked = self._done = 0
        self._thread: Background | None = None

    def start(self) -> None:
        """Start the thread, unless it runs. Files with a receipt are not sent again."""
        if self._thread is None and self._items:
            self._thread = Background("flow", self._run)
            self._thread.start()

    def nudge(self) -> None:
        """Upload the next file now: each phase gets one at least."""
        if self._thread is not None:
            self._asked += 1
            self._nudges.release()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause uploads for the block, because a proof needs sources that agree. Nudged uploads finish first."""
        # The client gives up a file after its own patience, and this thread ends with it.
        while self._thread is not None and self._thread.is_alive() and self._done < self._asked < len(self._items):
            time.sleep(_POLL_SECONDS)
        with self._turn:
            yield

    def finish(self) -> None:
        """Upload the rest at once, and wait for it."""
        self.start()
        self._hurry.set()
        self._nudges.release()
        if self._thread:
            self._thread.finish()

    def _run(self) -> None:
        timed = len(self._items) - PHASES
        pause = max(_SHORTEST_PAUSE, _SPAN_SECONDS / timed) if timed > 0 else None
        for one in self._items:
            if not self._hurry.is_set():
                timed -= not self._nudges.acquire(timeout=pause if timed > 0 else None)
            with self._turn:
                self._sender.send([one], self._on_event, receipts=RECEIPTS)
            self._done += 1
