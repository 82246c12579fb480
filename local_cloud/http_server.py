"""An HTTP/1.1 server for one ASGI application, as cheap as one in Python can be.

The local cloud answers everybody in one thread, and a stock server takes a third of that thread's time for HTTP alone. This
one reads a whole request before it calls the application, which ministack would do itself, and writes each answer at once.
No HTTP/2, no WebSockets, no TLS. What is no HTTP/1.1 is refused by 400 and the end of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    import socket

Message = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

KEEP_ALIVE_SECONDS: Final = 75.0
LARGEST_HEAD_BYTES: Final = 65_536
_SWEEP_SECONDS: Final = 5.0
_SHUTDOWN_SECONDS: Final = 3.0
_BACKLOG: Final = 512
_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/(1\.[01])")
_FIELD_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNFIT_FOR_A_VALUE: Final = re.compile(rb"[\x00\r\n]")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_CHUNK_LENGTH: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")
_WITHOUT_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_STATUS_LINES: Final = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_log: Final = logging.getLogger("local_cloud.http")


class BadRequestError(Exception):
    """A request that HTTP/1.1 does not allow, or that this server does not understand.

    Args:
        said: What is wrong.
        status: What it is answered with.
    """

    def __init__(self, said: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True)
class Head:
    """A request without its body.

    Attributes:
        length: How many bytes the body has; None when it comes in chunks.
    """

    method: str
    target: bytes
    version: str
    headers: Headers
    length: int | None
    is_last: bool
    expects_continue: bool


def read_head(text: bytes) -> Head:
    """Read a request's line and fields.

    Args:
        text: Without the empty line at the end.

    Raises:
        BadRequestError: It is none.
    """
    line, *rest = text.split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(line)
    if request is None:
        raise BadRequestError(f"no request line: {line[:80]!r}")
    if not request[2].startswith(b"/"):
        # A target with a host of its own (absolute-form) would be another one than `Host`.
        raise BadRequestError(f"a target that is no path: {request[2][:80]!r}")
    headers = [_field(one) for one in rest]
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name == b"host" and name in fields:
            raise BadRequestError("two Hosts")
        if name == b"content-length" and fields.get(name, value) != value:
            raise BadRequestError(f"two different values of {name.decode()}")
        fields[name] = f"{fields[name].decode('latin-1')},".encode("latin-1") + value if name in fields else value
    version = request[3].decode()
    if version == "1.1" and b"host" not in fields:
        raise BadRequestError("no Host")
    if fields.get(b"upgrade", b"").lower() == b"websocket":
        raise BadRequestError("no WebSockets here", HTTPStatus.NOT_IMPLEMENTED)
    connection = fields.get(b"connection", b"").lower()
    return Head(
        method=request[1].decode(),
        target=request[2],
        version=version,
        headers=headers,
        length=_body_length(fields),
        is_last=b"close" in connection or (version == "1.0" and b"keep-alive" not in connection),
        expects_continue=fields.get(b"expect", b"").lower() == b"100-continue",
    )


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or _FIELD_NAME.fullmatch(name) is None or _UNFIT_FOR_A_VALUE.search(value):
        raise BadRequestError(f"no header field: {line[:80]!r}")
    return name.lower(), value.strip(b" \t")


def _body_length(fields: dict[bytes, bytes]) -> int | None:
    if b"transfer-encoding" in fields:
        if fields[b"transfer-encoding"].lower() != b"chunked":
            raise BadRequestError("a transfer coding other than chunked", HTTPStatus.NOT_IMPLEMENTED)
        return None
    length = fields.get(b"content-length", b"0").partition(b",")[0]
    if _LENGTH.fullmatch(length) is None:
        raise BadRequestError(f"no Content-Length: {length[:80]!r}")
    return int(length)


class Chunks:
    """A body that comes in chunks, put together as it comes."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._missing = -1
        """Of the chunk at hand, with the line end after it; -1 before its length is known."""
        self._is_in_trailers = False

    def take(self, buffer: bytearray) -> bytes | None:
        """Take what is there from the buffer's beginning, and return the whole body once it is complete.

        Raises:
            BadRequestError: It is not chunked.
        """
        while True:
            if self._missing >= 0:
                if len(buffer) < self._missing:
                    return None
                if buffer[self._missing - 2 : self._missing] != b"\r\n":
                    raise BadRequestError("a chunk that is longer than it says")
                self._body += buffer[: self._missing - 2]
                del buffer[: self._missing]
                self._missing = -1
            end = buffer.find(b"\r\n")
            if end < 0:
                if len(buffer) > LARGEST_HEAD_BYTES:
                    raise BadRequestError("a chunk without a length")
                return None
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if self._is_in_trailers:
                if not line:
                    return bytes(self._body)
                continue
            length = _CHUNK_LENGTH.fullmatch(line)
            if length is None:
                raise BadRequestError(f"no length of a chunk: {line[:80]!r}")
            self._is_in_trailers = int(length[1], 16) == 0
            self._missing = -1 if self._is_in_trailers else int(length[1], 16) + 2


class Connection(asyncio.Protocol):
    """One client's connection: request after request, each answered before the next is looked at."""

    def __init__(self, application: Application, connections: set[Connection]) -> None:
        self._application = application
        self._connections = connections
        self._buffer = bytearray()
        self._head: Head | None = None
        self._chunks = Chunks()
        self._exchange: _Exchange | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.transport: asyncio.Transport
        self.client: tuple[str, int] | None = None
        self.server: tuple[str, int] | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.idle_since: float | None = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  what asyncio makes of a socket
        self.transport = transport
        self.client, self.server = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._connections.discard(self)
        self.writable.set()
        if self._exchange is not None:
            self._exchange.ended.set()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._buffer += data
        if self._exchange is None:
            self._advance()
        elif len(self._buffer) > LARGEST_HEAD_BYTES:
            self.transport.pause_reading()

    def _advance(self) -> None:
        """Begin the next exchange if its request is complete."""
        try:
            body = self._take_request()
        except BadRequestError as problem:
            self._refuse(problem)
            return
        if body is None or self._head is None:
            return
        self._exchange = _Exchange(self, self._head, body)
        self._head, self._chunks = None, Chunks()
        # Each exchange has a context of its own: whoever asked is remembered in it.
        task = asyncio.get_running_loop().create_task(self._exchange.run(self._application))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take_request(self) -> bytes | None:
        if self._head is None:
            while self._buffer.startswith(b"\r\n"):
                del self._buffer[:2]
            end = self._buffer.find(b"\r\n\r\n")
            if max(end, len(self._buffer) if end < 0 else 0) > LARGEST_HEAD_BYTES:
                raise BadRequestError("too long a head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if end < 0:
                return None
            self._head = read_head(bytes(self._buffer[:end]))
            self.idle_since = None
            del self._buffer[: end + 4]
            if self._head.expects_continue and not self._buffer:
                self.transport.write(_CONTINUE)
        if self._head.length is None:
            return self._chunks.take(self._buffer)
        if len(self._buffer) < self._head.length:
            return None
        body = bytes(self._buffer[: self._head.length])
        del self._buffer[: self._head.length]
        return body

    def _refuse(self, problem: BadRequestError) -> None:
        _log.warning("refused a request of %s: %s", self.client, problem)
        self.transport.write(_STATUS_LINES[problem.status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def done(self, *, keep: bool) -> None:
        """End the exchange, and turn to the next one or close."""
        self._exchange = None
        self.idle_since = time.monotonic()
        if not keep:
            self.transport.close()
        elif not self.transport.is_closing():
            self.transport.resume_reading()
            if self._buffer:
                self._advance()


class _Exchange:
    """A request and its answer, as ASGI has them."""

    def __init__(self, connection: Connection, head: Head, body: bytes) -> None:
        self._connection = connection
        self._head = head
        self._body: bytes | None = body
        self._start = b""
        self._has_started = self._is_sent = self._is_chunked = False
        self._has_length = False
        self._has_body = True
        self.ended = asyncio.Event()

    async def run(self, application: Application) -> None:
        """Have the application answer; answer for it if it does not."""
        try:
            await application(self._scope(), self._receive, self._send)
        except Exception:  # noqa: BLE001  one request that fails must not end the server
            _log.exception("%s %s failed", self._head.method, self._head.target.decode())
        self.ended.set()
        if not self._has_started:
            await self._send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await self._send({"type": "http.response.body"})
        self._connection.done(keep=self._is_sent and not self._head.is_last)

    def _scope(self) -> Message:
        path, _, query = self._head.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"spec_version": "2.1", "version": "3.0"},
            "http_version": self._head.version,
            "method": self._head.method.upper(),
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self._head.headers,
            "client": self._connection.client,
            "server": self._connection.server,
            "state": {},
            "extensions": {},
        }

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.ended.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._has_started:
            self._begin(int(message["status"]), message.get("headers") or [])
        elif message["type"] == "http.response.body" and self._has_started and not self._is_sent:
            self._write(bytes(message.get("body", b"")), is_last=not message.get("more_body", False))
            if not self._connection.writable.is_set():
                await self._connection.writable.wait()

    def _begin(self, status: int, headers: Headers) -> None:
        """Note the head; it is written together with the beginning of the body."""
        self._has_body = self._head.method.upper() != "HEAD" and status not in _WITHOUT_BODY
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in headers:
            if _FIELD_NAME.fullmatch(name) is None or _UNFIT_FOR_A_VALUE.search(value):
                raise ValueError(f"no header field: {name!r}: {value!r}")
            self._has_length = self._has_length or name.lower() in (b"content-length", b"transfer-encoding")
            lines.append(b"%b: %b\r\n" % (name, value))
        if self._head.is_last:
            lines.append(b"connection: close\r\n")
        self._start = b"".join(lines)
        self._has_started = True

    def _write(self, body: bytes, *, is_last: bool) -> None:
        if self._start:
            if self._has_body and not self._has_length:
                self._frame(body, is_last=is_last)
            out, self._start = self._start + b"\r\n", b""
        else:
            out = b""
        if self._has_body:
            out += self._chunked(body, is_last=is_last) if self._is_chunked else body
        self._is_sent = is_last
        if out and not self._connection.transport.is_closing():
            self._connection.transport.write(out)

    def _frame(self, body: bytes, *, is_last: bool) -> None:
        """Say where the body ends, where the application did not."""
        if is_last:
            self._start += b"content-length: %d\r\n" % len(body)
        elif self._head.version == "1.1":
            self._is_chunked = True
            self._start += b"transfer-encoding: chunked\r\n"

    @staticmethod
    def _chunked(body: bytes, *, is_last: bool) -> bytes:
        return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if is_last else b"")


async def serve(application: Application, listener: socket.socket, until: asyncio.Event) -> None:
    """Serve an application on a bound socket until the event is set.

    Args:
        application: An ASGI application with lifespan events.
        listener: Where to listen.
        until: When to stop; what is being answered then is cut off.
    """
    connections: set[Connection] = set()
    async with _lifespan(application):
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(application, connections), sock=listener, backlog=_BACKLOG
        )
        _log.info("Running on http://%s:%d", *listener.getsockname())
        sweeper = asyncio.create_task(_close_idle(connections))
        try:
            await until.wait()
        finally:
            sweeper.cancel()
            server.close()
            for connection in list(connections):
                connection.transport.abort()


async def _close_idle(connections: set[Connection]) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        before = time.monotonic() - KEEP_ALIVE_SECONDS
        for connection in list(connections):
            if connection.idle_since is not None and connection.idle_since < before:
                connection.transport.close()


@contextlib.asynccontextmanager
async def _lifespan(application: Application) -> Any:  # noqa: ANN401  an asynchronous context manager
    """The application started, and shut down again."""
    events: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"spec_version": "2.0", "version": "3.0"}, "state": {}}
    task = asyncio.ensure_future(application(scope, events.get, answers.put))
    await events.put({"type": "lifespan.startup"})
    started = asyncio.ensure_future(answers.get())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    if not started.done() or started.result()["type"] != "lifespan.startup.complete":
        task.cancel()
        raise RuntimeError("The application did not start.")
    try:
        yield
    finally:
        await events.put({"type": "lifespan.shutdown"})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(answers.get(), _SHUTDOWN_SECONDS)
        task.cancel()
