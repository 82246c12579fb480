"""kill -9 of the real program at real moments, against a small platform on the loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from client import State, read_receipts
from client.identity import object_id

FILES = 150


class Server(ThreadingHTTPServer):
    """The issuer and the bucket of one region."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's names
        """A client that was killed takes no answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        identity = object_id(asked["source"], asked["upload_id"], asked["sha256"])
        url = f"http://127.0.0.1:{self.server.server_port}/{identity}"
        headers = {"Content-Length": str(asked["size"])}
        issued = {"id": identity, "upload_id": asked["upload_id"], "url": url, "headers": headers, "receipt": "signed"}
        self._answer(201, issued)

    def do_PUT(self) -> None:
        size = int(self.headers["content-length"])
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True  # S3 keeps nothing of a body that broke off
            return
        there = self.path in self.server.objects
        self.server.objects.setdefault(self.path, body)
        self._answer(412 if there else 200, {})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's names
        pass

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    """A platform that works."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 130)]
)
def test_a_program_that_is_ended_goes_on_where_it_was(
    number: signal.Signals, status: int, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(FILES):
        (folder / f"{n}.csv").write_text(str(n))
    receipts = tmp_path / "receipts.jsonl"
    process = _client(server, receipts, "upload", str(folder))
    # In the midst of it: some are there, many are not.
    deadline = time.monotonic() + 60
    while len(server.objects) < FILES // 10 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    assert process.wait(30) == status
    assert 0 < len(server.objects) < FILES

    again = _client(server, receipts, "resume")
    assert again.wait(60) == 0
    assert sorted(server.objects.values()) == sorted(str(n).encode() for n in range(FILES))
    held = read_receipts(receipts)
    assert [one.state for one in held] == [State.ACCEPTED] * FILES
    assert len({one.upload_id for one in held}) == FILES


def _client(server: Server, receipts: Path, *arguments: str) -> subprocess.Popen[bytes]:
    where = ["--endpoint", f"us-east-1=http://127.0.0.1:{server.server_port}", "--receipts", str(receipts)]
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "client", *arguments, *where],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"},
        stdout=subprocess.DEVNULL,
    )
