"""The steps of a run: each has its seconds, and one that fails or takes longer is told and stops no other."""

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
    """A step that is under way."""

    name: str
    future: "Future[_Result]"
    ends_at: float
    seconds: float


class Steps:
    """Runs steps, some of them at once.

    A connection's time limits do not bound everything that a call may wait for (a name server, one address after
    another), so each step runs in a thread of its own, which is left behind when its time is over. What such a thread
    still writes is written under a condition that newer rows fail.

    Attributes:
        failed: Names of the steps that failed or took too long.
    """

    def __init__(self, telemetry: Telemetry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self.failed: list[str] = []

    def begin(self, name: str, work: Callable[[], _Result], *, seconds: float) -> Begun[_Result]:
        """Begin a step; its time runs from now."""
        future: Future[_Result] = Future()
        # A daemon, so that one that hangs does not keep the execution environment from ending.
        threading.Thread(target=_settle, args=(future, work), name=f"step: {name}", daemon=True).start()
        return Begun(name, future, self._clock() + seconds, seconds)

    def end(self, begun: Begun[_Result], *, otherwise: _Otherwise) -> _Result | _Otherwise:
        """Return what a step came to; `otherwise` if it failed or its time is over."""
        try:
            return begun.future.result(timeout=max(0.0, begun.ends_at - self._clock()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other steps go on
            self._tell(begun, error)
        return otherwise

    def run(self, name: str, work: Callable[[], _Result], *, seconds: float, otherwise: _Otherwise) -> _Result | _Otherwise:
        """Do a step and wait for it."""
        return self.end(self.begin(name, work, seconds=seconds), otherwise=otherwise)

    def _tell(self, begun: Begun[_Result], error: Exception) -> None:
        self.failed.append(begun.name)
        # A call's own time-out may be a TimeoutError too.
        reason = f"{type(error).__name__}: {error}" if begun.future.done() else f"it took longer than {begun.seconds:g} s"
        logger.error("a step of the observer failed; the others go on", step=begun.name, reason=reason, exc_info=error)
        self._telemetry.count("StepsFailed")


def _settle(future: "Future[_Result]", work: Callable[[], _Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again where the step is ended
        future.set_exception(error)
