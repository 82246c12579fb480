"""Cut the regions off from each other, which only the local cloud can do on request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from local_cloud.fault_injector import FaultInjector
from operations.target import Target


def fault_injector(target: Target) -> FaultInjector:
    """Return the fault injector of the target, a local cloud."""
    return FaultInjector(str(target.endpoint_url), target.secret())


@contextlib.contextmanager
def partition(target: Target) -> Iterator[None]:
    """Stop all traffic between the regions until the block ends; each region still serves its own clients."""
    fault_injector(target).partition(cut=True)
    try:
        yield
    finally:
        fault_injector(target).partition(cut=False)
