"""Identify the caller of a request and the sources that it may use: the tenants of the platform.

API Gateway verifies the signature of a request and names the principal in the event. If the settings bind callers, each
caller may use only the sources that are bound to it. If they bind none, the platform has one tenant: every principal that
IAM allows to call the API may use every source. In both cases the reserved sources belong to the platform.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from handlers.issuer.errors import RequestError
from handlers.shared.object_keys import CANARY_SOURCE

DEFAULT_SOURCE: Final = "default"
DIRECT_SOURCE: Final = "ingest"
"""Source of objects that are uploaded to the bucket directly; no upload through the issuer may use it."""

_ANY: Final = "-*"
"""Suffix of a source that stands for every source with the same prefix."""

_SESSION: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.*", re.DOTALL
)
_NAMED: Final = re.compile(r"(?P<owner>arn:[a-z-]+:iam::\d{12}:(?:role|user)/)(?:[^/]+/)*(?P<name>[^/]+)", re.DOTALL)


def principal_of(arn: str) -> str:
    """Return the principal of an ARN: the role for each of its sessions, a role or user without its path.

    A session's ARN holds its role's name and not the role's path, and a name is unique in an account whatever its path
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
    """
    if session := _SESSION.fullmatch(arn):
        return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}"
    if named := _NAMED.fullmatch(arn):
        return f"{named['owner']}{named['name']}"
    return arn


@dataclass(frozen=True)
class Caller:
    """A principal and its sources."""

    principal: str
    """ARN, as `principal_of` returns it; empty if the event names no principal."""
    is_observer: bool
    sources: frozenset[str] | None
    """The sources that the settings bind to it, some as a prefix and `-*`.

    None for a platform of one tenant: all sources that are not reserved.
    """

    @property
    def default_source(self) -> str:
        """The source of an upload that names none: the caller's only source, otherwise `DEFAULT_SOURCE`."""
        (source,) = self.sources if self.sources and len(self.sources) == 1 else (DEFAULT_SOURCE,)
        return DEFAULT_SOURCE if source.endswith(_ANY) else source

    def may_send(self, source: str) -> bool:
        """Return whether the caller may upload files of a source."""
        return source != DIRECT_SOURCE and self.may_read(source)

    def may_read(self, source: str | None) -> bool:
        """Return whether the caller may read anything about a source's files."""
        if self.is_observer or source == CANARY_SOURCE:
            return self.is_observer and source == CANARY_SOURCE
        return self.sources is None or (source is not None and self._is_bound_to(source))

    def _is_bound_to(self, source: str) -> bool:
        bound = self.sources or frozenset()
        return source in bound or any(one.endswith(_ANY) and source.startswith(one.removesuffix("*")) for one in bound)

    def require_source(self, source: str) -> None:
        """Refuse a source that is not the caller's, before any other check, so that the answer reveals nothing.

        Raises:
            RequestError: 403.
        """
        if self.may_send(source):
            return
        mine = "any but the reserved ones" if self.sources is None else ", ".join(sorted(self.sources)) or "none"
        raise RequestError(
            HTTPStatus.FORBIDDEN,
            "SourceNotYours",
            f"source {source!r} is not bound to the caller",
            f"the sources that you may use: {'canary' if self.is_observer else mine}; "
            "they are bound to callers by the setting `callers` of the environment",
        )


@dataclass(frozen=True)
class Callers:
    """The callers that the settings bind."""

    sources: Mapping[str, frozenset[str]]
    """Sources by principal; empty for a platform of one tenant."""
    observers: frozenset[str]
    """The principals of the observers of both regions."""

    @classmethod
    def parse(cls, bound: str, observers: str) -> "Callers":
        """Parse the settings.

        Args:
            bound: `<source>=<principal ARN>` pairs, separated by commas; empty for one tenant. A source `<prefix>-*`
                stands for every source with that prefix.
            observers: ARNs of the observers' roles, separated by commas.
        """
        sources: dict[str, set[str]] = {}
        for pair in filter(None, bound.split(",")):
            source, _, arn = pair.partition("=")
            sources.setdefault(principal_of(arn), set()).add(source)
        return cls(
            sources={principal: frozenset(names) for principal, names in sources.items()},
            observers=frozenset(map(principal_of, filter(None, observers.split(",")))),
        )

    def of_event(self, event: Mapping[str, Any]) -> Caller:
        """Return the caller that signed the request of an HTTP API's event (payload format 2.0). Never raises."""
        found: object = event
        for name in ("requestContext", "authorizer", "iam", "userArn"):
            found = found.get(name) if isinstance(found, Mapping) else None
        principal = principal_of(found) if isinstance(found, str) else ""
        bound = self.sources.get(principal, frozenset()) if self.sources else None
        return Caller(principal, is_observer=principal in self.observers, sources=bound)
