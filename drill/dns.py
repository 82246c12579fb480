"""The region that DNS routes clients to, by the name server's answer and by a client that caches answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from client.configuration import Configuration, Endpoint
from client.discovery import Lookup, Unanswered, make_lookup
from client.transport import HttpTransport
from operations.deployment import Deployment


@dataclass
class DnsPath:
    """The DNS failover record of the platform.

    Attributes:
        lookup: Function that queries the name server; None without a record or a name server.
        primary: The primary's region.
    """

    lookup: Lookup | None
    primary: str
    _kept: str | None = field(default=None)
    _until: float = field(default=0.0)

    @classmethod
    def of(cls, deployment: Deployment, server: str | None) -> DnsPath:
        """Create it from the failover stack's outputs."""
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
        """Return the region in the name server's current answer; None if there is none."""
        return self._ask()[0]

    def followed(self) -> str | None:
        """Return the region of a client that caches each answer for its time to live."""
        if time.monotonic() >= self._until:
            region, seconds = self._ask()
            self._kept = region or self._kept
            self._until = time.monotonic() + seconds
        return self._kept

    def healthy(self, region: str) -> bool | None:
        """Return whether the primary is healthy, according to the record; None for the other region."""
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
