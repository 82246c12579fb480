"""The HTTPS requests of the observers and Route 53, each a call to a region like any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError, ReadTimeoutError

from simulation.http_api import api_event, put_object
from simulation.regions import Region
from simulation.scheduler import Future, current_process
from simulation.world import World

_UNAVAILABLE: Final = 503


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status_code: int
    content: bytes = b""


@dataclass
class Web:
    """Sends requests to both regions."""

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
        """Send a request from the current process; `caller` is the signer's ARN, empty without a signature."""
        place = urlsplit(url)
        name = next(name for name in self.world.regions if f".{name}." in str(place.hostname))
        region, path = self.world.regions[name], unquote(place.path)
        try:
            if ".s3." in str(place.hostname):
                return self.world.call(region, "s3:PutObject", lambda: self._put(region, url, headers or {}, body), path[1:])
            operation = f"https:{method} /{path.split('/')[1]}"
            event = api_event(method, path, headers or {}, body, caller=caller, request_id="simulated")
            answer = self.world.call(region, operation, lambda: self.invoke(region, event), path)
        except ClientError:
            return Answer(_UNAVAILABLE)
        try:
            found = answer.result(seconds)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url) from error
        return Answer(found["statusCode"], found["body"].encode())

    def _put(self, region: Region, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        # The transport beneath botocore's requests sets the length.
        status, _, version = put_object(self.world, region, url, {"content-length": str(len(body)), **headers}, body)
        if version:
            process = current_process()
            what = f"{version.key} is {version.version_id}"
            self.world.note(region, process.name if process else "client", "PUT", what)
        return Answer(status)
