"""Cutting the regions off from each other: only the local cloud can do that on request."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator

from operations.target import Target


@contextlib.contextmanager
def partition(target: Target) -> Iterator[None]:
    """Let nothing travel between the regions while the block runs. Each still serves its own clients."""
    _tell(target, "cut")
    try:
        yield
    finally:
        _tell(target, "restore")


def _tell(target: Target, wish: str) -> None:
    request = urllib.request.Request(f"{target.endpoint_url}/_local_cloud/replication/{wish}", method="POST")  # noqa: S310 - on loopback, which `prove_local` proved
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10):
        pass
