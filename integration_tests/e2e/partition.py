"""Cutting the regions off from each other: only the local cloud can do that on request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from integration_tests.local_cloud.disturber import Disturber
from operations.target import Target


def disturber(target: Target) -> Disturber:
    """Return what disturbs the target, a local cloud."""
    return Disturber(str(target.endpoint_url), target.secret())


@contextlib.contextmanager
def partition(target: Target) -> Iterator[None]:
    """Let nothing travel between the regions while the block runs. Each still serves its own clients."""
    disturber(target).partition(cut=True)
    try:
        yield
    finally:
        disturber(target).partition(cut=False)
