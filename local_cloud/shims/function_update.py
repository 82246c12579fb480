"""Execution environments of a function that is made, changed or deleted: an invocation that runs ends its work.

Faithful: each region's function has environments of its own, whatever its namesake in another region does; a change ends
the environments that are idle, and one that is at work takes no further invocation; the next invocation sees the change.
Different from AWS: UpdateFunctionCode waits until the idle environments have ended.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

Environment = Any
"""ministack's `Worker`: a process that runs one function, one invocation after the other."""
_RETIRED: Final = "local_cloud_retired"


def install() -> None:
    """Take the place of what stops a function's workers: stock, that is at once and, from CloudFormation, everywhere."""
    stock_release = lambda_runtime.release_worker

    def release(environment: Environment) -> None:
        stock_release(environment)
        if getattr(environment, _RETIRED, False):
            lambda_runtime.kill_workers([environment])

    for module in (lambda_runtime, lambda_svc):
        module.invalidate_worker = _retire
        module.release_worker = release


def _retire(name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None) -> None:
    """End a function's idle environments, and let those at work end with their invocation.

    Args:
        name: The function's.
        qualifier: The version whose environments they are; all versions' when left out.
        account: Whose function it is; the current request's account when left out.
        region: Where the function is; the current request's region when left out.
    """
    whose = [account or get_account_id(), region or get_region(), name]
    retired: list[Environment] = []
    with lambda_runtime._lock:
        for key in list(lambda_runtime._workers):
            *its, version = key.split(":")
            if its == whose and qualifier in (None, version):
                retired += lambda_runtime._workers.pop(key)
        for environment in retired:
            setattr(environment, _RETIRED, True)
    # An invocation, and it alone, holds its environment's lock. One that has been leased and not yet begun starts anew.
    lambda_runtime.kill_workers([environment for environment in retired if not environment._lock.locked()])
