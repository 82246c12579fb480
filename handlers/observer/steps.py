"""The steps of a run: each has a time limit, and a step that fails or exceeds it is reported and stops no other."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from aws_lambda_powertools import Logger

from handlers.observer.telemetry import Telemetry

logger = Logger(child=True)

_Result = TypeVar("_Result")
_Otherwise = TypeVar("_Otherwise")


@dataclass(frozen=True)
class Begun(Generic[_Result]):
    """A step in progress."""

    name: str
    future: "Future[_Result]"
    ends_at: float
    seconds: float


class Steps:
    """Runs steps, some of them in parallel.

    A connection's timeouts do not limit everything that a call may wait for (a name server, one address after another). So
    each step runs in a thread of its own, which is abandoned when its time is over. A condition on each write of such a
    thread protects newer rows.

    Attributes:
        failed: Names of the steps that failed or took too long.
    """

    def __init__(self, telemetry: Telemetry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self.failed: list[str] = []

    def begin(self, name: str, work: Callable[[], _Result], *, seconds: float) -> Begun[_Result]:
        """Begin a step; its time starts now."""
        future: Future[_Result] = Future()
        # A daemon thread, because a thread that hangs must not keep the execution environment from ending.
        threading.Thread(target=_settle, args=(future, work), name=f"step: {name}", daemon=True).start()
        return Begun(name, future, self._clock() + seconds, seconds)

    def end(self, begun: Begun[_Result], *, otherwise: _Otherwise) -> _Result | _Otherwise:
        """Return the result of a step; `otherwise` if it failed or its time is over."""
        try:
            return begun.future.result(timeout=max(0.0, begun.ends_at - self._clock()))
        except Exception as error:  # noqa: BLE001 - the other steps continue after any error
            self._report(begun, error)
        return otherwise

    def run(self, name: str, work: Callable[[], _Result], *, seconds: float, otherwise: _Otherwise) -> _Result | _Otherwise:
        """Run a step and wait for its result."""
        return self.end(self.begin(name, work, seconds=seconds), otherwise=otherwise)

    def _report(self, begun: Begun[_Result], error: Exception) -> None:
        self.failed.append(begun.name)
        # A timeout of the call itself may be a TimeoutError too.
        reason = f"{type(error).__name__}: {error}" if begun.future.done() else f"it took longer than {begun.seconds:g} s"
        logger.error("a step of the observer failed; the others continue", step=begun.name, reason=reason, exc_info=error)
        self._telemetry.count("StepsFailed")


def _settle(future: "Future[_Result]", work: Callable[[], _Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - `end` raises it again
        future.set_exception(error)
