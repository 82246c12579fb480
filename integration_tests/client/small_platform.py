"""A small platform on the loopback: an issuer and a bucket that keep their data in memory."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from client.identity import object_id


class Server(ThreadingHTTPServer):
    """The issuer and the bucket of one region."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's names
        """Ignore the error of a client that was killed before its answer."""


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
            self.close_connection = True  # S3 stores nothing of an incomplete body
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
