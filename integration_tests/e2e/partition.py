"""Cutting the regions off from each other: only the local cloud can do that on request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from local_cloud.fault_injector import FaultInjector
from operations.target import Target


def fault_injector(target: Target) -> FaultInjector:
    """Return what disturbs the target, a local cloud."""
    return FaultInjector(str(target.endpoint_url), target.secret())


@contextlib.contextmanager
def partition(target: Target) -> Iterator[None]:
    """Let nothing travel between the regions while the block runs. Each still serves its own clients."""
    fault_injector(target).partition(cut=True)
    try:
        yield
    finally:
        fault_injector(target).partition(cut=False)
