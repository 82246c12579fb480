"""The control surface: `POST /_local_cloud/...` in front of ministack, to disturb the cloud while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Application = Callable[[Any, Any, Any], Awaitable[None]]

PREFIX = "/_local_cloud/"


def with_control_surface(application: Application) -> Application:
    """The application, with requests under `/_local_cloud/` answered here."""

    async def front(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's shapes
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            status, answer = 200, {"status": "running"}
            await _answer(send, status, answer)
            return
        await application(scope, receive, send)

    return front


async def _answer(send: Any, status: int, answer: dict[str, Any]) -> None:  # noqa: ANN401  ASGI's shapes
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
