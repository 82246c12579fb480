"""HTTPS as the observers and Route 53 speak it: a request is a call on its way to a region like any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError, ReadTimeoutError

from simulation.regions import Region
from simulation.scheduler import Future, current_process
from simulation.world import ACCOUNT, World

_PRECONDITION_FAILED: Final = 412
_UNAVAILABLE: Final = 503


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status_code: int
    content: bytes = b""


@dataclass
class Web:
    """Sends requests to both regions.

    Attributes:
        world: Where.
        invoke: Starts an invocation of a region's issuer.
    """

    world: World
    invoke: Callable[[Region, dict[str, Any]], Future]

    def send(  # noqa: PLR0913 - what a request is
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        caller: str = "",
        seconds: float = 3.0,
    ) -> Answer:
        """Send a request from the current process.

        Args:
            method: HTTP's.
            url: Of an API, or a presigned one.
            headers: Names and values.
            body: What is sent.
            caller: The ARN of the principal that signed it; empty if nobody did.
            seconds: How long to wait for the answer.

        Raises:
            BotoCoreError: There was none.
        """
        place = urlsplit(url)
        name = next(name for name in self.world.regions if f".{name}." in str(place.hostname))
        region, path = self.world.regions[name], unquote(place.path)
        try:
            if ".s3." in str(place.hostname):
                return self.world.call(region, "s3:PutObject", lambda: self._put(region, path[1:], body), path[1:])
            operation = f"https:{method} /{path.split('/')[1]}"
            event = _event(method, path, headers or {}, body, caller)
            answer = self.world.call(region, operation, lambda: self.invoke(region, event), path)
        except ClientError:
            return Answer(_UNAVAILABLE)
        try:
            found = answer.result(seconds)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url) from error
        return Answer(found["statusCode"], found["body"].encode())

    def _put(self, region: Region, key: str, body: bytes) -> Answer:
        if any(held == key for held, _ in region.ingest):
            return Answer(_PRECONDITION_FAILED)
        version = self.world.put_version(region, key, body)
        process = current_process()
        self.world.note(region, process.name if process else "client", "PUT", f"{key} is {version.version_id}")
        return Answer(200)


def _event(method: str, path: str, headers: Mapping[str, str], body: bytes, caller: str) -> dict[str, Any]:
    """Return the event of an HTTP API's request, payload format 2.0."""
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "http": {"method": method, "path": path},
        "requestId": "simulated",
        "stage": "$default",
    }
    if caller:
        context["authorizer"] = {"iam": {"userArn": caller}}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": context,
        "body": body.decode() or None,
        "isBase64Encoded": False,
    }
