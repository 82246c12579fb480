"""Replace the execution environments of a changed or deleted function without stopping its running invocations.

Faithful: each region's function has its own environments, independent of its namesake in another region; a change ends the
idle environments, and a busy one takes no further invocation; the next invocation uses the change.
Different from AWS: UpdateFunctionCode waits until the idle environments have ended.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

Environment = Any
"""ministack's `Worker`: a process that runs a function, one invocation after the other."""
_RETIRED: Final = "local_cloud_retired"


def install() -> None:
    """Replace the stock code, which stops a function's workers at once and, from CloudFormation, in all regions."""
    stock_release = lambda_runtime.release_worker

    def release(environment: Environment) -> None:
        stock_release(environment)
        if getattr(environment, _RETIRED, False):
            lambda_runtime.kill_workers([environment])

    for module in (lambda_runtime, lambda_svc):
        module.invalidate_worker = _retire
        module.release_worker = release


def _retire(name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None) -> None:
    """End a function's idle environments, and the busy ones after their invocation; by default those of all versions."""
    whose = [account or get_account_id(), region or get_region(), name]
    retired: list[Environment] = []
    with lambda_runtime._lock:
        for key in list(lambda_runtime._workers):
            *its, version = key.split(":")
            if its == whose and qualifier in (None, version):
                retired += lambda_runtime._workers.pop(key)
        for environment in retired:
            setattr(environment, _RETIRED, True)
    # Only an invocation holds its environment's lock. A leased environment that has not begun is started again.
    lambda_runtime.kill_workers([environment for environment in retired if not environment._lock.locked()])
