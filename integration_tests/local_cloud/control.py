"""The control surface: `POST /_local_cloud/...` in front of ministack, to disturb the cloud while it runs.

| path | what it does |
|---|---|
| `GET /_local_cloud/health` | says that the server is running, and what is disturbed |
| `POST /_local_cloud/region/<region>/down` and `/up` | takes a region away, brings it back |
| `POST /_local_cloud/replication/lag/<seconds>` | how long a write takes to reach the other region |
| `POST /_local_cloud/replication/cut` and `/restore` | cuts replication between all regions, restores it |
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from ministack import app as ministack_app
from ministack.services import apigateway

from integration_tests.local_cloud import regions
from integration_tests.local_cloud.replicator import replicator
from integration_tests.local_cloud.shims import recursion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Application = Callable[[Any, Any, Any], Awaitable[None]]

PREFIX: Final = "/_local_cloud/"
_COMMANDS: Final = (
    "health, region/<region>/down, region/<region>/up, replication/lag/<seconds>, replication/cut, replication/restore"
)
_SIGNED_REGION: Final = re.compile(r"(?:Credential=|X-Amz-Credential=)[^/%,&]+(?:/|%2F)\d{8}(?:/|%2F)(?P<region>[a-z0-9-]+)")


def with_control_surface(application: Application) -> Application:
    """The application; requests under `/_local_cloud/` are answered here, those to a region that is down refused."""

    async def front(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's shapes
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            await _answer(send, *_obey(scope["method"], scope["path"].removeprefix(PREFIX)))
        elif (region := _region_of(scope)) and regions.is_down(region):
            # An empty body: every SDK takes it for a service that is unavailable, whatever its protocol.
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            recursion.remember(scope["headers"])
            await application(scope, receive, send)

    return front


def _obey(method: str, command: str) -> tuple[int, dict[str, Any]]:
    match (method, *command.split("/")):
        case ("GET", "health"):
            pass
        case ("POST", "region", region, ("down" | "up") as direction) if region:
            regions.set_down(region, down=direction == "down")
        case ("POST", "replication", "lag", seconds):
            try:
                regions.set_lag(float(seconds))
            except ValueError as error:
                return 400, {"message": str(error)}
        case ("POST", "replication", ("cut" | "restore") as wish):
            regions.set_cut(cut=wish == "cut")
        case _:
            return 404, {"message": f"There is no {method} {PREFIX}{command}; there are: {_COMMANDS}."}
    return 200, {
        "status": "running",
        "regions_down": sorted(regions.current.down),
        "replication": "cut" if regions.current.cut else "on",
        "replication_lag_seconds": regions.current.lag_seconds,
        "replication_waiting": replicator.waiting(),
    }


def _region_of(scope: Any) -> str | None:  # noqa: ANN401  ASGI's shape
    """The region that a request is signed for; unsigned ones (an API's open routes) name it in their host or API."""
    if not regions.current.down:
        return None
    headers = dict(scope["headers"])
    signed = headers.get(b"authorization", b"").decode("latin-1") or scope.get("query_string", b"").decode("latin-1")
    found = _SIGNED_REGION.search(signed)
    if found:
        return found["region"]
    return _region_of_api(headers.get(b"host", b"").decode("latin-1"), scope["path"])


def _region_of_api(host: str, path: str) -> str | None:
    named = ministack_app._parse_execute_api_url(host, path) or ministack_app._resolve_custom_domain_request(host, path)
    if named is None:
        return None
    return next((key[1] for key in apigateway._apis.to_dict() if key[2] == named[0]), None)


async def _answer(send: Any, status: int, answer: dict[str, Any]) -> None:  # noqa: ANN401  ASGI's shapes
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
