"""The guard: while it is on, no AWS call may leave for the lost region or for a global endpoint.

Global services (IAM, Route 53, the global endpoint of STS) are homed in us-east-1: a failover that needs one of them works
until the day it is needed. So the guard allows what is named and nothing else: every call must be signed for an allowed
region, and on AWS its host must name that region too.
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
"""Signed for us-east-1 or for a partition, whatever region a client was made for."""
_SCOPE: Final = re.compile(r"(?:Credential=)[^/,&]+/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/")


class GuardViolation(RunFailure):
    """A call was about to go where the failover may not depend on. It was not sent."""


class Guard:
    """Counts the AWS calls that it sees, and refuses those it does not allow.

    Args:
        allowed: The regions that may be called.

    Attributes:
        allowed: Likewise.
        calls: How many calls it has seen.
        violations: One sentence for each call that it refused.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = tuple(allowed)
        self.calls = 0
        self.violations: list[str] = []
        self._lock = threading.Lock()

    def see(self, operation: str, url: str, authorization: str) -> None:
        """Judge a call before it is sent.

        Args:
            operation: What it is, `dynamodb.PutItem` for example.
            url: Where it goes.
            authorization: The header of that name; "" for a presigned URL, which carries the same in its query.

        Raises:
            GuardViolation: It goes to a region that is not allowed, or to a global endpoint.
        """
        wrong = self._wrong(operation, url, authorization)
        with self._lock:
            self.calls += 1
            if wrong:
                self.violations.append(wrong)
        if wrong:
            raise GuardViolation(wrong, hint="The call was not sent. A failover may use the surviving region alone.")

    def _wrong(self, operation: str, url: str, authorization: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        scope = _SCOPE.search(authorization) or _SCOPE.search(unquote(parts.query))
        only = f"during the failover only {', '.join(self.allowed)} may be called"
        if scope is None and is_loopback(host):
            return f"{operation} to {host} is signed for no region; {only}"
        if scope is not None and scope["service"] in GLOBAL_SERVICES:
            return f"{operation} is a call of a global service, {scope['service']}, homed in us-east-1; {only}"
        if scope is not None and scope["region"] not in self.allowed:
            return f"{operation} is signed for {scope['region']}; {only}"
        if not is_loopback(host) and not set(host.split(".")) & set(self.allowed):
            return f"{operation} goes to {host}, which is no endpoint of an allowed region; {only}"
        return ""


_on: list[Guard] = []
"""The guards that are on. A session asks at each call, so that clients made before are guarded too."""


@contextlib.contextmanager
def guarding(guard: Guard) -> Iterator[Guard]:
    """Guard every AWS call that this process makes through `Target`, in all threads, while the block runs."""
    _on.append(guard)
    try:
        yield guard
    finally:
        _on.remove(guard)


def install(session: boto3.Session) -> None:
    """Let guards see every call of every client that this session makes from now on."""
    session.events.register_first("before-send", _before_send)


def _before_send(event_name: str, request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
    if not _on:
        return
    header = request.headers.get("Authorization", "")
    text = header.decode("latin-1") if isinstance(header, bytes) else str(header)
    for guard in tuple(_on):
        guard.see(event_name.removeprefix("before-send."), str(request.url), text)
