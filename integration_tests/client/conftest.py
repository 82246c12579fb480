"""Fixture of the client's tests: a small platform on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from integration_tests.client.small_platform import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a small platform without faults."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
