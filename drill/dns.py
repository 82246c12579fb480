"""Which region DNS sends clients to: as the name server answers now, and as a client knows it that keeps answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from client.configuration import Configuration, Endpoint
from client.discovery import Lookup, Unanswered, make_lookup
from client.transport import HttpTransport
from operations.deployment import Deployment


@dataclass
class DnsPath:
    """The failover record.

    Attributes:
        lookup: Asks the name server; None: there is no record, or no name server.
        primary: The primary's region.
    """

    lookup: Lookup | None
    primary: str
    _kept: str | None = field(default=None)
    _until: float = field(default=0.0)

    @classmethod
    def of(cls, deployment: Deployment, server: str | None) -> DnsPath:
        """Make it from the failover stack's outputs.

        Args:
            deployment: The platform.
            server: The name server; None: there is none to ask.
        """
        target = deployment.target
        record = deployment.failover.get("RecordName")
        if not record or not server:
            return cls(None, target.primary)
        zone = record.removeprefix("active.").rstrip(".")
        configuration = Configuration(
            endpoints=tuple(Endpoint(region=one, url=deployment.api_url(one)) for one in target.regions),
            record=f"region.{zone}",
            name_server=server,
        )
        return cls(make_lookup(configuration, HttpTransport()), target.primary)

    def answered(self) -> str | None:
        """Return the region that the name server names now; None if it names none."""
        return self._ask()[0]

    def followed(self) -> str | None:
        """Return the region that a client goes to, which keeps an answer for its time to live."""
        if time.monotonic() >= self._until:
            region, seconds = self._ask()
            self._kept = region or self._kept
            self._until = time.monotonic() + seconds
        return self._kept

    def healthy(self, region: str) -> bool | None:
        """Say whether the primary's health check holds, by the record; None for the other region, which it does not tell."""
        if region != self.primary:
            return None
        answered = self.answered()
        return None if answered is None else answered == region

    def _ask(self) -> tuple[str | None, float]:
        if self.lookup is None:
            return None, 1.0
        try:
            found = self.lookup()
        except Unanswered:
            return None, 1.0
        return found.region, found.seconds
