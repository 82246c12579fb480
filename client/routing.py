"""Order in which the regions are tried: the active one first, a recently failed one last."""

import threading
from collections.abc import Sequence
from typing import Final

from client.clock import Clock
from client.configuration import Endpoint
from client.discovery import Discovery

SUSPECT_SECONDS: Final = 20.0
"""Seconds for which a failed region is tried last. Then a single upload tries it first again: it may still stall."""


class Router:
    """Order the regions, with what all uploads have learned of them.

    Args:
        endpoints: The regions, in the order of the configuration.
        discovery: Names the active region.
        clock: Source of the time.
    """

    def __init__(self, endpoints: Sequence[Endpoint], discovery: Discovery, clock: Clock) -> None:
        self._endpoints, self._discovery, self._clock = tuple(endpoints), discovery, clock
        self._lock = threading.Lock()
        self._suspect_until: dict[str, float] = {}

    def order(self) -> list[Endpoint]:
        """Return every region, in the order for the next upload."""
        active = self._discovery.active()
        ordered = sorted(self._endpoints, key=lambda endpoint: endpoint.region != active)
        now = self._clock.elapsed()
        with self._lock:
            suspects = {region for region, until in self._suspect_until.items() if until > now}
            ordered.sort(key=lambda endpoint: endpoint.region in suspects)
            if ordered[0].region in self._suspect_until and ordered[0].region not in suspects:
                self._suspect_until[ordered[0].region] = now + SUSPECT_SECONDS
        return ordered

    def failed(self, region: str) -> None:
        """Record that a region failed."""
        with self._lock:
            self._suspect_until[region] = self._clock.elapsed() + SUSPECT_SECONDS
        self._discovery.forget()

    def suspects(self, region: str) -> bool:
        """Return whether a region has failed recently."""
        with self._lock:
            return self._suspect_until.get(region, float("-inf")) > self._clock.elapsed()

    def worked(self, region: str) -> None:
        """Record that a region works."""
        with self._lock:
            self._suspect_until.pop(region, None)
