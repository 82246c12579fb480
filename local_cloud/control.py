"""The control surface: `POST /_local_cloud/...` in front of ministack injects faults into the running cloud.

Each request needs the run's secret in the header `X-Local-Cloud-Token`.

| path | effect |
|---|---|
| `GET /_local_cloud/health` | returns the state of the server and the active faults |
| `POST /_local_cloud/region/<region>/down` and `/up` | makes a region unavailable, or available again |
| `POST /_local_cloud/region/<region>/destroy` | destroys a region; unreplicated data is lost |
| `POST /_local_cloud/region/<region>/stall` and `/unstall` | stops the region's functions while it accepts requests, or
starts them |
| `POST /_local_cloud/outage/<mode>` | sets how an unavailable region fails requests: `hang`, `reset`, or `refuse` by 503 |
| `POST /_local_cloud/lost-answers/<region>/<share>` | that share of requests takes effect and loses its response; 0 ends it
|
| `POST /_local_cloud/throttle/<region>/<share>` | DynamoDB throttles that share, 0 to 1, of functions' calls |
| `POST /_local_cloud/crash/<region>/<first call>/<second call>/<share>` | kills that share of functions between two calls
|
| `POST /_local_cloud/messages/<region>/return` | makes messages in flight visible, as after their visibility timeout |
| `POST /_local_cloud/replication/lag/<seconds>` | sets the minimum delay of replication |
| `POST /_local_cloud/replication/cut` and `/restore` | cuts replication between all regions, restores it |
| `POST /_local_cloud/hazard/<name>/<strength>` | sets the strength of a hazard; 0 ends it |
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from ministack import app as ministack_app
from ministack.core.iam_evaluator import is_root_access_key
from ministack.core.router import extract_access_key_id
from ministack.services import apigateway, s3

from local_cloud import crashes, hazards, regions, workers
from local_cloud.admission import CONTROL_PREFIX, Admission, Refusal
from local_cloud.clock import clock
from local_cloud.http_server import ABORT
from local_cloud.replicator import replicator
from local_cloud.shims import _api, recursion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Application = Callable[[Any, Any, Any], Awaitable[None]]

_log: Final = logging.getLogger("local_cloud.control")
_COMMANDS: Final = (
    "health, region/<region>/down, region/<region>/up, region/<region>/destroy, region/<region>/stall, "
    "region/<region>/unstall, throttle/<region>/<share>, replication/lag/<seconds>, replication/cut, replication/restore, "
    "crash/<region>/<first>/<second>/<share>, messages/<region>/return, "
    "outage/<hang|reset|refuse>, lost-answers/<region>/<share>, hazard/<name>/<strength>"
)
_INVOKE_PATH: Final = re.compile(r"^/2015-03-31/functions/[^/]+/invocations$")
name_server = ""
"""Address of Route 53's name server; set once, before the first request."""
_LOOK_AGAIN_SECONDS: Final = 0.2
_HOME_OF_GLOBAL_SERVICES: Final = "us-east-1"
_SIGNED_FOR: Final = re.compile(
    r"(?:Credential=|X-Amz-Credential=)[^/%,&]+(?:/|%2F)\d{8}(?:/|%2F)(?P<region>[a-z0-9-]+)(?:/|%2F)(?P<service>[a-z0-9-]+)"
)


def with_control_surface(application: Application, admission: Admission) -> Application:
    """Return the application with the control surface and admission in front.

    It answers requests under `/_local_cloud/`, and fails those to a region that is down.
    """

    async def front(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's shapes
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in scope["headers"]):
            await _answer(send, 501, {"message": "The local cloud serves no WebSockets."})
            return
        body = await _whole_body(receive)
        if body is None:
            return
        if refusal := admission.refusal(scope, body):
            _log.warning("refused %s %s: %s", scope["method"], scope["path"], refusal.message)
            await _refuse(send, scope, refusal)
        elif scope["path"].startswith(CONTROL_PREFIX):
            await _answer(send, *_obey(scope["method"], scope["path"].removeprefix(CONTROL_PREFIX)))
        elif _is_down(scope):
            await _fail(scope, receive, send, _is_down, b"")
        elif _waits_for_stalled_function(scope):
            await _fail(scope, receive, send, _waits_for_stalled_function, b'{"message": "Service Unavailable"}')
        elif crashes.current and crashes.kills(dict(scope["headers"])):
            scope[ABORT]()
        else:
            recursion.remember(scope["headers"])
            await application(scope, _replayed(body, receive), _losing_answers(scope, receive, send))

    return front


async def _fail(scope: Any, receive: Receive, send: Any, is_out: Callable[[Any], bool], body: bytes) -> None:  # noqa: ANN401  ASGI's shapes
    """Fail a request to a region that is out of service: refuse it, or give no response.

    The cloud's own calls to itself are refused at once, because one region's resource would block all others.
    """
    if regions.current.outage is regions.Outage.REFUSE or _api.MARK in dict(scope["headers"]).get(b"user-agent", b""):
        # An empty body: every SDK reads it as an unavailable service, in any protocol.
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    else:
        await _give_no_answer(scope, receive, is_out)


async def _give_no_answer(scope: Any, receive: Receive, is_out: Callable[[Any], bool]) -> None:  # noqa: ANN401  ASGI's shape
    """Reset the connection; if the outage is `hang`, only when the client has given up or the service is back."""
    gone = asyncio.ensure_future(receive())
    while regions.current.outage is regions.Outage.HANG and is_out(scope) and not gone.done():
        await asyncio.wait({gone}, timeout=_LOOK_AGAIN_SECONDS)
    scope[ABORT]()
    await gone


def _losing_answers(scope: Any, receive: Receive, send: Any) -> Any:  # noqa: ANN401  ASGI's shapes
    """Return a `send` that drops the response if the region is down by then, or loses this response."""
    is_lost = False

    async def guarded(message: Message) -> None:
        nonlocal is_lost
        if message["type"] == "http.response.start" and (_is_down(scope) or _loses_answer(scope)):
            is_lost = True
            await _give_no_answer(scope, receive, _is_down)
        if not is_lost:
            await send(message)

    return guarded


def _loses_answer(scope: Any) -> bool:  # noqa: ANN401  ASGI's shape
    if not regions.current.lost:
        return False
    is_root = is_root_access_key(extract_access_key_id(_headers(scope), _query(scope)) or "-")
    return not is_root and any(regions.loses_answer(region) for region in _regions_of(scope))


def _is_down(scope: Any) -> bool:  # noqa: ANN401  ASGI's shape
    return bool(regions.current.down) and any(regions.is_down(region) for region in _regions_of(scope))


def _headers(scope: Any) -> dict[str, str]:  # noqa: ANN401  ASGI's shape
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _query(scope: Any) -> dict[str, list[str]]:  # noqa: ANN401  ASGI's shape
    return parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)


async def _whole_body(receive: Receive) -> bytes | None:
    """Return a request's whole body, which its signature covers; None if the client disconnects first."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
    return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns the body again, and then further events."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def _obey(method: str, command: str) -> tuple[int, dict[str, Any]]:
    try:
        is_known = (method, command) == ("GET", "health") or (method == "POST" and _change(command.split("/")))
    except ValueError as error:
        return 400, {"message": str(error)}
    if not is_known:
        return 404, {"message": f"There is no {method} {CONTROL_PREFIX}{command}; there are: {_COMMANDS}."}
    return 200, {
        "status": "running",
        "name_server": name_server,
        "time_factor": clock.factor,
        "regions_down": sorted(regions.current.down),
        "regions_destroyed": sorted(regions.current.destroyed),
        "regions_stalled": sorted(regions.current.stalled),
        "outage": regions.current.outage,
        "answers_lost": dict(sorted(regions.current.lost.items())),
        "throttled": dict(sorted(regions.current.throttled.items())),
        "crashes": {region: dataclasses.asdict(crash) for region, crash in crashes.current.items()},
        "replication": "cut" if regions.current.cut else "on",
        "replication_lag_seconds": regions.current.lag_seconds,
        "replication_waiting": replicator.waiting(),
        "seed": hazards.current.seed,
        "hazards": hazards.current.strengths,
    }


def _change(command: list[str]) -> bool:
    """Execute a command; return False if there is no such command."""
    match command:
        case ("region", region, action) if region:
            return _change_region(region, action)
        case ("throttle", region, share) if region:
            regions.set_throttled(region, float(share))
        case ("crash", region, first, second, share) if region:
            crashes.set_crash(region, first, second, float(share))
        case ("messages", region, "return") if region:
            _log.warning("%d messages in flight return in %s", crashes.return_messages(region), region)
        case ("replication", "lag", seconds):
            regions.set_lag(float(seconds))
        case ("replication", ("cut" | "restore") as action):
            regions.set_cut(cut=action == "cut")
        case ("outage", mode):
            regions.set_outage(mode)
        case ("lost-answers", region, share) if region:
            regions.set_lost_answers(region, float(share))
        case ("hazard", name, strength):
            hazards.current.set(name, float(strength))
        case _:
            return False
    return True


def _change_region(region: str, action: str) -> bool:
    match action:
        case "down":
            regions.set_down(region, down=True)
            workers.kill_running(region)
        case "up":
            regions.set_down(region, down=False)
        case "destroy":
            regions.destroy(region)
            workers.kill_running(region)
            _log.warning("%s is destroyed; %d writes had not left it", region, replicator.drop_from(region))
        case "stall" | "unstall":
            regions.set_stalled(region, stalled=action == "stall")
        case _:
            return False
    return True


def _waits_for_stalled_function(scope: Any) -> bool:  # noqa: ANN401  ASGI's shape
    """Return whether a request waits for a function that a stalled region does not start: through its API, or by Invoke."""
    stalled = regions.current.stalled
    if not stalled:
        return False
    headers = dict(scope["headers"])
    if _INVOKE_PATH.match(scope["path"]):
        found = _SIGNED_FOR.search(headers.get(b"authorization", b"").decode("latin-1"))
        waits = headers.get(b"x-amz-invocation-type", b"RequestResponse") == b"RequestResponse"
        return waits and found is not None and found["region"] in stalled
    return bool(_regions_of_api(headers.get(b"host", b"").decode("latin-1"), scope["path"]) & stalled)


def _regions_of(scope: Any) -> set[str]:  # noqa: ANN401  ASGI's shape
    """Return the regions that must be up for a request: the signed one, else its API's or its bucket's.

    Requests to an API's public routes, and those of some presigned URLs, have no signed region. Global services run in
    us-east-1, except Route 53's reads, which stand for its name servers and need no region.
    """
    headers = dict(scope["headers"])
    signed = headers.get(b"authorization", b"").decode("latin-1") or scope.get("query_string", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    found = _SIGNED_FOR.search(signed)
    if found is None:
        return _regions_of_api(host, scope["path"]) or _regions_of_bucket(host, scope["path"])
    match found["service"]:
        case "route53" if scope["method"] == "GET":
            return set()
        case "iam" | "route53":
            return {_HOME_OF_GLOBAL_SERVICES}
        case _:
            return {found["region"]}


def _regions_of_api(host: str, path: str) -> set[str]:
    named = ministack_app._parse_execute_api_url(host, path) or ministack_app._resolve_custom_domain_request(host, path)
    return {key[1] for key in apigateway._apis.to_dict() if named is not None and key[2] == named[0]}


def _regions_of_bucket(host: str, path: str) -> set[str]:
    named = ministack_app._extract_s3_vhost_bucket(host) or path.lstrip("/").partition("/")[0]
    return {record["region"] for (_, bucket), record in s3._buckets.to_dict().items() if bucket == named}


async def _refuse(send: Any, scope: Any, refusal: Refusal) -> None:  # noqa: ANN401  ASGI's shapes
    """Send an error in the protocol of the called service, which the SDKs read, or else in JSON."""
    if not refusal.service:
        await _answer(send, 403, {"__type": refusal.code, "message": refusal.message})
        return
    headers = _headers(scope)
    status, fields, body = ministack_app._credential_failure(refusal.service, "", str(uuid.uuid4()), refusal, headers)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in fields.items()],
        }
    )
    await send({"type": "http.response.body", "body": body.encode() if isinstance(body, str) else body})


async def _answer(send: Any, status: int, answer: dict[str, Any]) -> None:  # noqa: ANN401  ASGI's shapes
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
