"""The HTTP server of the local cloud: uvicorn with stricter checks of requests."""

from __future__ import annotations

import logging
import socket
import struct
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than a client of AWS keeps an idle connection, so that the client closes it."""
ABORT: Final = "local_cloud.abort"
"""Key in ASGI's scope of the function that resets the connection."""
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_log: Final = logging.getLogger("local_cloud.http")


class StrictProtocol(HttpToolsProtocol):
    """Answers 400 to a request with several hosts or none, because two readers could take different ones."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header field, without trailing white space in its value (RFC 9112, section 5)."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Pass the request to the application.

        Raises:
            ValueError: The request is malformed; the parser's caller answers it.
        """
        hosts = sum(name == b"host" for name, _ in self.headers)
        if not self.url.startswith(b"/") or hosts > 1 or (not hosts and self.parser.get_http_version() != "1.0"):
            raise ValueError("the target is no path, or there is not one Host")
        self.scope[ABORT] = self._abort  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def _abort(self) -> None:
        """Reset the connection, so that the client gets no response or no end of one."""
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()


async def serve(application: Any, listener: socket.socket) -> None:  # noqa: ANN401 - uvicorn's own type is not public
    """Serve an ASGI application on a bound socket until SIGTERM or SIGINT, which end running requests.

    uvicorn raises the signal again when it has stopped.
    """
    config = uvicorn.Config(
        application,
        http=StrictProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=0,
    )
    _log.info("Running on http://%s:%d", *listener.getsockname())
    await uvicorn.Server(config).serve(sockets=[listener])
