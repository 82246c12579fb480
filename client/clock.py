"""The client's clock; tests replace it."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Reads the time, and sleeps."""

    def now(self) -> float:
        """Return epoch seconds."""

    def elapsed(self) -> float:
        """Return seconds since an arbitrary point in time; the value never decreases."""

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait for a number of seconds, or until `wake` is set."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def elapsed(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float, wake: threading.Event) -> None:
        """Wait for a number of seconds, or until `wake` is set."""
        wake.wait(seconds)
