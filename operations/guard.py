"""The guard refuses every AWS call to the lost region or to a global endpoint while it is on.

Global services (IAM, Route 53, the global endpoint of STS) run in us-east-1, so a failover must not need them. The guard
allows only named regions: every call is signed for an allowed region, and on AWS its host names that region too.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from operations.endpoints import is_loopback
from operations.errors import RunFailure

if TYPE_CHECKING:
    import boto3

GLOBAL_SERVICES: Final = frozenset({"iam", "route53", "cloudfront", "organizations", "globalaccelerator"})
"""Services whose calls are signed for us-east-1 or a partition, regardless of the client's region."""
_SCOPE: Final = re.compile(r"(?:Credential=)[^/,&]+/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/")


class GuardViolation(RunFailure):
    """Raised before a call is sent to a region or endpoint that the failover must not depend on."""


class Guard:
    """Count AWS calls, and refuse those that are not to an allowed region.

    Args:
        allowed: The regions that may be called.

    Attributes:
        allowed: The regions that may be called.
        calls: Number of calls so far.
        violations: One sentence for each refused call.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = tuple(allowed)
        self.calls = 0
        self.violations: list[str] = []
        self._lock = threading.Lock()

    def see(self, operation: str, url: str, authorization: str) -> None:
        """Check a call before it is sent.

        Args:
            operation: The operation, for example `dynamodb.PutItem`.
            url: The URL of the request.
            authorization: The Authorization header; "" for a presigned URL, which has its content in the query.

        Raises:
            GuardViolation: The call is to a region that is not allowed, or to a global endpoint.
        """
        wrong = self._wrong(operation, url, authorization)
        with self._lock:
            self.calls += 1
            if wrong:
                self.violations.append(wrong)
        if wrong:
            raise GuardViolation(wrong, hint="The call was not sent. A failover uses the surviving region only.")

    def _wrong(self, operation: str, url: str, authorization: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        scope = _SCOPE.search(authorization) or _SCOPE.search(unquote(parts.query))
        only = f"during the failover only {', '.join(self.allowed)} may be called"
        if scope is None and is_loopback(host):
            return f"{operation} to {host} is signed for no region; {only}"
        if scope is not None and scope["service"] in GLOBAL_SERVICES:
            return f"{operation} is a call of a global service, {scope['service']}, which runs in us-east-1; {only}"
        if scope is not None and scope["region"] not in self.allowed:
            return f"{operation} is signed for {scope['region']}; {only}"
        if not is_loopback(host) and not set(host.split(".")) & set(self.allowed):
            return f"{operation} goes to {host}, which is not an endpoint of an allowed region; {only}"
        return ""


_on: list[Guard] = []
"""The active guards. The session checks them at each call, so that older clients are guarded too."""


@contextlib.contextmanager
def guarding(guard: Guard) -> Iterator[Guard]:
    """Guard every AWS call that this process makes through `Target`, in all threads, while the block runs."""
    _on.append(guard)
    try:
        yield guard
    finally:
        _on.remove(guard)


def install(session: boto3.Session) -> None:
    """Check every call of every client that this session makes from now on against the active guards."""
    session.events.register_first("before-send", _before_send)


def _before_send(event_name: str, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
    if not _on:
        return
    header = request.headers.get("Authorization", "")
    text = header.decode("latin-1") if isinstance(header, bytes) else str(header)
    for guard in tuple(_on):
        guard.see(event_name.removeprefix("before-send."), str(request.url), text)
