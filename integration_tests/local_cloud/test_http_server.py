"""The server's HTTP: what it reads from a connection and writes to it, however the bytes come in."""

from __future__ import annotations

import asyncio
import http.client
import io
import itertools
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_cloud.http_server import Connection, Message

if TYPE_CHECKING:
    import socket


class Wire(asyncio.Transport):
    """A transport whose other end is this test."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  asyncio's own signature
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


async def echo(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's shapes
    """Answers what it was asked; the path says how."""
    message = await receive()
    asked = [scope["method"], scope["path"], scope["query_string"].decode(), len(scope["headers"]), message["body"].hex()]
    body = json.dumps(asked).encode()
    headers = [(b"content-length", str(len(body)).encode())] if scope["path"] == "/told" else []
    if scope["path"] == "/fails":
        raise ValueError("as told")
    if scope["path"] == "/none":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/pieces":
        for byte in body:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


def talk(*pieces: bytes) -> Wire:
    """Send these pieces, one after the other, and return the wire once all is quiet."""

    async def run() -> Wire:
        wire = Wire()
        connection = Connection(echo, set())
        connection.connection_made(wire)
        for piece in pieces:
            if not wire.closed:
                connection.data_received(piece)
                await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        return wire

    return asyncio.run(run())


class _Socket:
    def __init__(self, reader: io.BytesIO) -> None:
        self._reader = reader

    def makefile(self, *_: Any) -> io.BytesIO:  # noqa: ANN401  as a socket's
        return self._reader


class _Kept(io.BytesIO):
    def close(self) -> None:
        """http.client closes what it has read to the end; the next answer is behind it."""


def answers(written: bytes, methods: list[str]) -> list[tuple[int, bytes]]:
    """Status and body of each answer, as Python's own client reads them; nothing may be left over."""
    reader = _Kept(written)
    found = []
    for method in methods:
        response = http.client.HTTPResponse(cast("socket.socket", _Socket(reader)), method=method)
        response.begin()
        found.append((response.status, response.read()))
    assert reader.read() == b""
    return found


def request(method: str, path: str, body: bytes, *, chunk: int) -> bytes:
    """A request; its body in chunks of this many bytes, or as a whole when that is 0."""
    head = f"{method} {path}?q=1 HTTP/1.1\r\nHost: x\r\nX-Two: a\r\n"
    if not chunk:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    parts = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunks = b"".join(f"{len(part):X};x=y\r\n".encode() + part + b"\r\n" for part in parts)
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"0\r\nTrailer: t\r\n\r\n"


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "PUT", "POST", "HEAD"]),
        st.sampled_from(["/", "/told", "/pieces", "/fails", "/none"]),
        st.binary(max_size=40) | st.just(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.property
@given(REQUESTS, st.lists(st.integers(0, 400)))
@example([("PUT", "/", b"", 3), ("GET", "/pieces", b"", 0)], [1, 2])
def test_each_request_is_answered_however_its_bytes_come_in(
    requests: list[tuple[str, str, bytes, int]], cuts: list[int]
) -> None:
    sent = b"".join(request(method, path, body, chunk=chunk) for method, path, body, chunk in requests)
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    wire = talk(*(sent[first:last] for first, last in itertools.pairwise(edges)))
    expected = []
    for method, path, body, _ in requests:
        said = json.dumps([method, path, "q=1", 3, body.hex()]).encode()
        status = {"/fails": 500, "/none": 204}.get(path, 200)
        expected.append((status, said if status == 200 and method != "HEAD" else b""))
    assert answers(bytes(wire.written), [method for method, *_ in requests]) == expected
    assert not wire.closed


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000, 431),
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(sent: bytes, status: int) -> None:
    wire = talk(sent)
    assert answers(bytes(wire.written), ["GET"]) == [(status, b"")]
    assert wire.closed


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET /pieces HTTP/1.0\r\n\r\n"]
)
def test_the_last_request_of_a_client_ends_the_connection(head: bytes) -> None:
    wire = talk(head)
    assert answers(bytes(wire.written), ["GET"])[0][0] == 200
    assert wire.closed


def test_who_waits_to_be_told_to_go_on_is_told() -> None:
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    assert talk(head).written == b"HTTP/1.1 100 Continue\r\n\r\n"
    told, _, rest = bytes(talk(head, b"ab").written).partition(b"\r\n\r\n")
    assert told == b"HTTP/1.1 100 Continue"
    assert answers(rest, ["PUT"])[0][0] == 200
    assert talk(head + b"ab").written.startswith(b"HTTP/1.1 200 OK")


def test_an_application_learns_that_its_client_has_gone() -> None:
    heard: list[Message] = []

    async def waits(_scope: Any, receive: Any, _send: Any) -> None:  # noqa: ANN401  ASGI's shapes
        heard.extend([await receive(), await receive()])

    async def run() -> None:
        connection = Connection(waits, set())
        connection.connection_made(Wire())
        connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.01)
        connection.connection_lost(None)
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert [message["type"] for message in heard] == ["http.request", "http.disconnect"]
