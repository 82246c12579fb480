"""HTTP requests of the observer: to its own region's API as a client, and to the peer's `/ready`."""

import json
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

TIMEOUT_SECONDS: Final = (1.5, 3.0)
"""Timeouts of a connection and of a read."""


class Answer(Protocol):
    """The attributes of an HTTP response that are used here."""

    status_code: int

    @property
    def content(self) -> bytes:
        """Return the body."""


class Http(Protocol):
    """Sends requests; it follows no redirects."""

    def send(self, request: AWSPreparedRequest) -> Answer:
        """Send one request."""


class WebError(Exception):
    """Raised when the API gives another answer than expected; the message holds the answer."""


def http_session() -> Http:
    """Return a session with the timeouts of `TIMEOUT_SECONDS`."""
    session: Any = URLLib3Session  # its stubs do not allow a pair of timeouts
    http: Http = session(timeout=TIMEOUT_SECONDS)
    return http


class OwnApi:
    """Sends requests to this region's API, as a client does.

    Args:
        url: URL without a slash at its end.
        region: This region.
        credentials: Credentials of the function, which are refreshed automatically.
        http: Sends the requests.
    """

    def __init__(self, *, url: str, region: str, credentials: Credentials, http: Http) -> None:
        self._url = url
        self._region = region
        self._credentials = credentials
        self._http = http

    def call(self, method: str, path: str, *, expected: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request that is signed for this region, and return the JSON object of the answer.

        Raises:
            WebError: The answer has another status than `expected`, or is not a JSON object.
            BotoCoreError: There was no answer.
        """
        data = json.dumps(body).encode() if body is not None else None
        headers = {"content-type": "application/json"} if body is not None else {}
        request = AWSRequest(method=method, url=self._url + path, data=data, headers=headers)
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(request)
        answer = self._http.send(request.prepare())
        if answer.status_code != expected:
            raise WebError(f"{method} {path} answered {answer.status_code}, not {expected}: {answer.content[:500]!r}")
        try:
            value = json.loads(answer.content)
        except ValueError as error:
            raise WebError(f"{method} {path} did not answer JSON: {answer.content[:500]!r}") from error
        if not isinstance(value, dict):
            raise WebError(f"{method} {path} did not answer a JSON object: {answer.content[:500]!r}")
        return value

    def put(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        """Upload to a presigned URL with its signed headers; return the status.

        Raises:
            BotoCoreError: There was no answer.
        """
        return self._http.send(AWSRequest(method="PUT", url=url, data=content, headers=headers).prepare()).status_code


def is_ready(http: Http, api_url: str) -> bool:
    """Return whether an API's `/ready` answers 200. Any other answer, and no answer, is not ready."""
    if urlsplit(api_url).scheme != "https":  # the URL comes from a row of the table
        return False
    try:
        return http.send(AWSRequest(method="GET", url=f"{api_url}/ready").prepare()).status_code == 200  # noqa: PLR2004 - HTTP's own
    except BotoCoreError:
        return False
