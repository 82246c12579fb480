"""Time, as the client needs it; tests bring their own."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> float:
        """Return epoch seconds."""

    def elapsed(self) -> float:
        """Return seconds since some moment; never goes back."""

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait so long, or until `wake` is set."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def elapsed(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait so long, or until `wake` is set."""
        wake.wait(seconds)
