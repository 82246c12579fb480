"""Find the active region: by the failover record, or by the region that answers at the domain.

A failure here stops no upload: the client then tries the endpoints in their order, which is slower if the first is down.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.rdatatype
import dns.resolver

from client.clock import Clock
from client.configuration import Configuration, parse_name_server
from client.transport import Request, Transport, Unreachable

_DNS_SECONDS: Final = 2.0
_DOMAIN_SECONDS: Final = 60.0
"""How long an answer of the domain is kept: at most the time that its health checks need to switch it."""
_UNANSWERED_SECONDS: Final = 30.0
"""How long no lookup follows a failed one: each lookup may delay all uploads by two seconds."""
_DOUBTED_SECONDS: Final = 10.0
"""How long an answer is kept after its region has failed."""
_OK: Final = 200


class Unanswered(Exception):  # noqa: N818 - a result of the lookup, not a fault of the program
    """Raised when the active region is not known; the message holds the reason."""


@dataclass(frozen=True)
class Found:
    """The active region."""

    region: str
    seconds: float
    """Seconds for which the answer may be kept."""


Lookup = Callable[[], Found]


class Discovery:
    """Cache of the active region, shared by all threads; it expires when the last answer does.

    Args:
        lookup: Finds the active region; None if nothing is configured to ask.
        clock: Source of the time.
        warn: Called with the reason when a lookup fails.
        regions: Names that an answer may have.
    """

    def __init__(self, lookup: Lookup | None, clock: Clock, warn: Callable[[str], None], regions: Sequence[str]) -> None:
        self._lookup, self._clock, self._warn, self._regions = lookup, clock, warn, tuple(regions)
        self._lock = threading.Lock()
        self._region: str | None = None
        self._until = 0.0 if lookup else float("inf")

    def active(self) -> str | None:
        """Return the active region, or None if it was never known; the last answer stands if a new lookup fails."""
        with self._lock:
            if self._lookup and self._clock.elapsed() >= self._until:
                self._ask(self._lookup)
            return self._region

    def forget(self) -> None:
        """Shorten the life of the cached answer: the region that it names has failed."""
        with self._lock:
            if self._lookup and self._region:
                self._until = min(self._until, self._clock.elapsed() + _DOUBTED_SECONDS)

    def _ask(self, lookup: Lookup) -> None:
        try:
            found = lookup()
            if found.region not in self._regions:
                known = ", ".join(self._regions)
                raise Unanswered(f"the active region {found.region!r} is not in the configuration, which has {known}")  # noqa: TRY301
        except Unanswered as error:
            self._until = self._clock.elapsed() + _UNANSWERED_SECONDS
            self._warn(str(error))
            return
        self._region = found.region
        self._until = self._clock.elapsed() + found.seconds


def make_lookup(configuration: Configuration, transport: Transport) -> Lookup | None:
    """Return the lookup of the active region; None if the configuration names neither a record nor a domain."""
    if configuration.record:
        return _record_lookup(configuration.record, configuration.name_server)
    if configuration.domain:
        return _domain_lookup(configuration.domain, transport, configuration.api_seconds)
    return None


def _record_lookup(record: str, name_server: str | None) -> Lookup:
    resolver: list[dns.resolver.Resolver] = []

    def lookup() -> Found:
        try:
            if not resolver:
                resolver.append(_resolver(name_server))
            answer = resolver[0].resolve(record, dns.rdatatype.TXT, lifetime=_DNS_SECONDS, search=False)
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered(f"the lookup of the record {record} failed: {error}") from error
        texts = [b"".join(rdata.strings).decode("ascii", "replace") for rdata in answer]
        if not texts or answer.rrset is None:
            raise Unanswered(f"the record {record} is empty")
        return Found(texts[0], float(answer.rrset.ttl))

    return lookup


def _resolver(name_server: str | None) -> dns.resolver.Resolver:
    if not name_server:
        return dns.resolver.Resolver()
    address, port = parse_name_server(name_server)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = port
    return resolver


def _domain_lookup(domain: str, transport: Transport, seconds: float) -> Lookup:
    url = f"https://{domain}/healthz"

    def lookup() -> Found:
        try:
            answer = transport.send(Request("GET", url, patience=seconds))
            region = json.loads(answer.body)["region"] if answer.status == _OK else None
        except (Unreachable, ValueError, KeyError, TypeError) as error:
            raise Unanswered(f"{url} names no region: {error}") from error
        if not isinstance(region, str):
            raise Unanswered(f"{url} answers HTTP {answer.status} and names no region")
        return Found(region, _DOMAIN_SECONDS)

    return lookup
