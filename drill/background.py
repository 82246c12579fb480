"""A thread whose failure is raised in the thread that waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

_PAUSE_SECONDS: Final = 0.25


class Background(threading.Thread):
    """Runs a function in a thread, and keeps what it raised.

    It has no private attribute: a later Python may use the same name in Thread, as 3.14 does `_context`.

    Args:
        name: The thread's name.
        work: The function.
    """

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True, target=work)
        self.failure: Exception | None = None

    def run(self) -> None:
        """Run the function."""
        try:
            super().run()
        except Exception as failure:  # noqa: BLE001 - `finish` raises it
            self.failure = failure

    def finish(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait for the end, call `meanwhile` often until then, and raise what the function raised."""
        while self.is_alive():
            meanwhile()
            self.join(_PAUSE_SECONDS)
        if self.failure:
            raise self.failure
