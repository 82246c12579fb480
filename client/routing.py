"""In which order regions are tried: the active one first, but one that has just failed last."""

import threading
from collections.abc import Sequence
from typing import Final

from client.clock import Clock
from client.configuration import Endpoint
from client.discovery import Discovery

SUSPECT_SECONDS: Final = 20.0
"""How long a region that failed is tried last. Then one upload tries it first again, and only one: it may still stall."""


class Router:
    """Puts the regions in order, for all uploads together.

    Args:
        endpoints: In the order of the configuration.
        discovery: Says which is active.
        clock: Time.
    """

    def __init__(self, endpoints: Sequence[Endpoint], discovery: Discovery, clock: Clock) -> None:
        self._endpoints, self._discovery, self._clock = tuple(endpoints), discovery, clock
        self._lock = threading.Lock()
        self._suspect_until: dict[str, float] = {}

    def order(self) -> list[Endpoint]:
        """Return every region, in the order in which this upload is to try them."""
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
        """Learn that a region did not do its work."""
        with self._lock:
            self._suspect_until[region] = self._clock.elapsed() + SUSPECT_SECONDS
        self._discovery.forget()

    def suspects(self, region: str) -> bool:
        """Whether a region has failed moments ago."""
        with self._lock:
            return self._suspect_until.get(region, float("-inf")) > self._clock.elapsed()

    def worked(self, region: str) -> None:
        """Learn that a region did its work."""
        with self._lock:
            self._suspect_until.pop(region, None)
