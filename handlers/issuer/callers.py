"""Who calls, and which sources that caller may use: the tenants of the front door.

API Gateway proves who signed a request and names that principal in the event. Where the settings name callers, each may use
the sources that are named for it and no others. Where they name none there is one tenant: every principal that IAM lets call
the API may use every source. Either way the reserved sources are the platform's own.
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
"""The logical source of objects put into the bucket directly; no upload goes by that name."""

_ANY: Final = "-*"
"""At the end of a source that stands for every source with the beginning before the asterisk."""

_SESSION: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.*", re.DOTALL
)
_NAMED: Final = re.compile(r"(?P<owner>arn:[a-z-]+:iam::\d{12}:(?:role|user)/)(?:[^/]+/)*(?P<name>[^/]+)", re.DOTALL)


def principal_of(arn: str) -> str:
    """Return who an ARN stands for: a role for each of its sessions, a role or user without the path.

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
    """A principal, and what it may use."""

    principal: str
    """Its ARN, as `principal_of` gives it; empty if the event does not say who it is."""
    is_observer: bool
    sources: frozenset[str] | None
    """The sources that the settings bind it to, some as a beginning and `-*`.

    None for a platform of one tenant: all that are not reserved.
    """

    @property
    def default_source(self) -> str:
        """The source of an upload that names none: the caller's only one, else `DEFAULT_SOURCE`."""
        (source,) = self.sources if self.sources and len(self.sources) == 1 else (DEFAULT_SOURCE,)
        return DEFAULT_SOURCE if source.endswith(_ANY) else source

    def may_send(self, source: str) -> bool:
        """Whether it may send uploads in the name of a source."""
        return source != DIRECT_SOURCE and self.may_read(source)

    def may_read(self, source: str | None) -> bool:
        """Whether it may learn anything of what a source sent."""
        if self.is_observer or source == CANARY_SOURCE:
            return self.is_observer and source == CANARY_SOURCE
        return self.sources is None or (source is not None and self._is_bound_to(source))

    def _is_bound_to(self, source: str) -> bool:
        bound = self.sources or frozenset()
        return source in bound or any(one.endswith(_ANY) and source.startswith(one.removesuffix("*")) for one in bound)

    def require_source(self, source: str) -> None:
        """Refuse a source that is not the caller's, before anything is looked at, so that the answer tells nothing.

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
    """The callers that the settings know."""

    sources: Mapping[str, frozenset[str]]
    """Sources by principal; empty for a platform of one tenant."""
    observers: frozenset[str]
    """The principals of the observers of both regions."""

    @classmethod
    def parse(cls, bound: str, observers: str) -> "Callers":
        """Read the settings.

        Args:
            bound: `<source>=<principal ARN>` pairs, separated by commas; empty for one tenant. A source `<beginning>-*`
                stands for every source that begins so.
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
        """Return who signed the request of an HTTP API's event (payload format 2.0). Never raises."""
        found: object = event
        for name in ("requestContext", "authorizer", "iam", "userArn"):
            found = found.get(name) if isinstance(found, Mapping) else None
        principal = principal_of(found) if isinstance(found, str) else ""
        bound = self.sources.get(principal, frozenset()) if self.sources else None
        return Caller(principal, is_observer=principal in self.observers, sources=bound)
