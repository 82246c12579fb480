"""The client's HTTP against servers that fail as a lost region does."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client import HttpTransport, Request, Unreachable, UploadFailed
from client.content import Body, Item, fingerprint

Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Run a server that passes each connection to a function; yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    """The client's own transport, with short timeouts."""
    transport = HttpTransport(connect_seconds=0.5)
    yield transport
    transport.close()


def test_file_is_streamed_unchanged(transport: HttpTransport, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 20_000)
    known = fingerprint(Item("file", path), threading.Event())
    got: list[bytes] = []
    sent: list[int] = []

    def serve(connection: socket.socket) -> None:
        head, body = _head(connection)
        while len(body) < known.size:
            body += connection.recv(1 << 16)
        got.append(head)
        digest = hashlib.sha256(body).hexdigest().encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(digest) + digest)

    with serving(serve) as url, Body(path, known, threading.Event(), sent.append) as body:
        answer = transport.send(Request("PUT", url, {"Content-Length": str(known.size), "If-None-Match": "*"}, body))
    assert (answer.status, answer.body.decode()) == (200, known.sha256)
    assert b"Content-Length: 5120000\r\n" in got[0]
    assert b"Transfer-Encoding" not in got[0]
    assert sum(sent) == known.size


@pytest.mark.parametrize(
    ("serve", "message"),
    [
        (lambda connection: connection.recv(1 << 16), "the connection broke"),
        (lambda connection: (_head(connection), threading.Event().wait(3)), "did not answer within 0.3 s"),
        (lambda connection: (_head(connection), connection.sendall(b"SSH-2.0-x\r\n")), "the connection broke"),
        (
            lambda connection: (_head(connection), connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")),
            "broke",
        ),
    ],
    ids=["closed", "stalled", "not http", "half an answer"],
)
def test_server_failure_is_reported_within_the_timeout(serve: Serve, message: str, transport: HttpTransport) -> None:
    with serving(serve) as url, pytest.raises(Unreachable, match=message):
        transport.send(Request("POST", url, {}, b"{}", patience=0.3))


def test_closed_port_is_unreachable(transport: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="no connection could be made"):
        transport.send(Request("GET", f"http://127.0.0.1:{port}/"))


def test_address_that_drops_packets_fails_after_the_timeout(transport: HttpTransport) -> None:
    """A full backlog on the loopback drops packets as a lost region does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        held = [socket.socket() for _ in range(4)]
        for one in held:
            one.setblocking(False)
            one.connect_ex(address)
        with pytest.raises(Unreachable, match=r"accepted no connection within 0\.5 s"):
            transport.send(Request("GET", f"http://127.0.0.1:{address[1]}/"))
        # The operating system's own timeout is about two minutes.
        assert [one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for one in held] == [0] * len(held)
        for one in held:
            one.close()


def test_redirect_is_not_followed(transport: HttpTransport) -> None:
    def serve(connection: socket.socket) -> None:
        _head(connection)
        connection.sendall(b"HTTP/1.1 307 Elsewhere\r\nlocation: https://example.org/\r\ncontent-length: 0\r\n\r\n")

    with serving(serve) as url:
        assert transport.send(Request("PUT", url, {}, b"x")).status == 307


def test_file_that_shrinks_while_sent_raises_the_file_error(transport: HttpTransport, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 4_000_000)
    known = fingerprint(Item("file", path), threading.Event())

    def serve(connection: socket.socket) -> None:
        _head(connection)
        path.write_bytes(b"x")
        while connection.recv(1 << 16):
            pass

    with serving(serve) as url, Body(path, known, threading.Event(), lambda _: None) as body:
        with pytest.raises(Unreachable):
            transport.send(Request("PUT", url, {"Content-Length": str(known.size)}, body))
        assert isinstance(body.failure, UploadFailed)


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    held = b""
    while b"\r\n\r\n" not in held:
        held += connection.recv(1 << 16)
    head, _, rest = held.partition(b"\r\n\r\n")
    return head + b"\r\n", rest
