"""The client's HTTP and its signatures: each request has one response, or one error with the reason."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from client.errors import Misconfigured

_LONGEST_ANSWER: Final = 1 << 20
"""Limit in bytes. Every response of the platform is far shorter."""

_PIECE: Final = 1 << 16


class Unreachable(Exception):  # noqa: N818 - a state of the server, not a fault of the program
    """Raised when no response arrived; it is not known whether the request did."""


class Readable(Protocol):
    """A body that is read in chunks."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; b"" at the end."""


@dataclass(frozen=True)
class Request:
    """An HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Readable = b""
    patience: float = 5.0
    """Seconds that the response may take once the request is sent."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response; header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """Sends requests; several threads call it at once."""

    def send(self, request: Request) -> Answer:
        """Send a request and return the response, of any status; follow no redirect.

        Raises:
            Unreachable: No response arrived.
        """


class HttpTransport:
    """Transport over the network by botocore's HTTP; it honours HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE.

    Args:
        connect_seconds: Seconds that one address may take to accept a connection.
        connections: Number of connections kept open to one host.
    """

    def __init__(self, *, connect_seconds: float = 2.0, connections: int = 8) -> None:
        self._connect_seconds = connect_seconds
        self._connections = connections
        self._sessions: dict[tuple[float, tuple[tuple[str, str], ...]], URLLib3Session] = {}
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        """Send a request and return the response, of any status.

        Raises:
            Unreachable: No response arrived.
        """
        prepared = AWSPreparedRequest(
            request.method,
            request.url,
            HeadersDict(request.headers),  # type: ignore[arg-type]  # the type that botocore itself passes; the stubs name another
            request.body or None,  # type: ignore[arg-type]  # of a file, botocore calls `read` only
            True,  # noqa: FBT003 - botocore's signature; True leaves the reading of the response to this module
        )
        try:
            response = self._session(request).send(prepared)
            body = _read(response.raw)
        except ConnectTimeoutError as error:
            raise Unreachable(f"it accepted no connection within {self._connect_seconds:g} s") from error
        except ReadTimeoutError as error:
            raise Unreachable(f"it did not answer within {request.patience:g} s") from error
        except EndpointConnectionError as error:
            raise Unreachable("no connection could be made") from error
        except SSLError as error:
            raise Unreachable(f"TLS failed: {error.kwargs.get('error')}") from error
        except HTTPClientError as error:
            raise Unreachable(f"the connection broke: {error.kwargs.get('error', error)}") from error
        except Exception as error:  # the errors that urllib3 raises during a read have no common base
            raise Unreachable(f"the answer broke off: {error}") from error
        return Answer(
            status=int(response.status_code),
            body=body,
            headers={str(name).lower(): str(value) for name, value in response.headers.items()},
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def _session(self, request: Request) -> URLLib3Session:
        proxies = get_environ_proxies(request.url)
        key = (request.patience, tuple(sorted(proxies.items())))
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = URLLib3Session(
                    # The stubs know neither the path of a CA bundle nor two timeouts.
                    verify=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,  # type: ignore[arg-type]
                    proxies=proxies,
                    timeout=(self._connect_seconds, request.patience),  # type: ignore[arg-type]
                    max_pool_connections=self._connections,
                )
            return self._sessions[key]


def _read(raw: Readable) -> bytes:
    """Read a response to its end, which proves that it is complete; cut one that exceeds the limit."""
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < _LONGEST_ANSWER and (piece := raw.read(_PIECE)):
        pieces.append(piece)
    return b"".join(pieces)


def find_credentials(profile: str | None) -> Credentials:
    """Return the credentials of a profile, or of AWS's usual chain.

    Raises:
        Misconfigured: There are no credentials.
    """
    hint = (
        "Set AWS_PROFILE, type --profile NAME, or log in (`aws sso login`); `aws sts get-caller-identity` shows who you are."
    )
    try:
        credentials: Credentials | None = botocore.session.Session(profile=profile).get_credentials()
    except BotoCoreError as error:
        raise Misconfigured(f"The AWS credentials cannot be read: {error}.", hint) from error
    if credentials is None:
        raise Misconfigured("There are no AWS credentials to sign requests with.", hint)
    return credentials


class Signer:
    """Sign requests; the credentials are refreshed when they are about to expire."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def headers(self, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return all headers of a request, including those of the signature.

        Raises:
            Misconfigured: The credentials have expired and cannot be refreshed.
        """
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        try:
            frozen = self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            hint = "Log in again, then type the same command: nothing is sent twice."
            raise Misconfigured(f"The AWS credentials have expired: {error}.", hint) from error
        SigV4Auth(frozen, "execute-api", region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}
