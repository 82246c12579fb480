"""Simulated time: a heap of events, and processes that the scheduler suspends at each call to AWS.

A process is a group of greenlets, as a Lambda execution environment is a group of threads. It runs until it waits, so
nothing runs at the same time as anything else, and the heap alone determines the order.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from greenlet import getcurrent, greenlet

EPOCH: Final = 1_767_225_600.0
"""Simulated time begins at 2026-01-01T00:00:00Z."""


class Crash(BaseException):
    """Raised where the execution environment ends; no handler catches it."""


class Process:
    """A running execution environment.

    Attributes:
        name: Its name in the story, for example `processor`.
        region: The AWS name of its region.
        began: When it began, in simulated epoch seconds.
        is_dead: Whether it has crashed.
        met_fault: Whether one of its calls failed by a fault of the plan.
        slowest_call: Seconds of its slowest call to AWS.
        computed: Processor seconds of its invocation, which count for the invocation's time only.
    """

    def __init__(self, scheduler: "Scheduler", name: str, region: str) -> None:
        self._scheduler = scheduler
        self.name = name
        self.region = region
        self.began = scheduler.now
        self.is_dead = False
        self.slowest_call = 0.0
        self.computed = 0.0
        self.met_fault = False
        self._members: list[greenlet] = []
        self._on_crash: Callable[[], object] = lambda: None

    @property
    def now(self) -> float:
        """Simulated epoch seconds."""
        return self._scheduler.now

    def start(self, work: Callable[[], object], on_crash: Callable[[], object]) -> None:
        """Start `work`; if the process crashes, call `on_crash` once."""

        def run() -> None:
            try:
                work()
            except Crash:
                self.crash()

        self._on_crash = on_crash
        self._spawn(run)

    def fork(self, work: Callable[[], object]) -> None:
        """Run `work` as a thread of this process."""
        self._spawn(work)

    @property
    def has_ended(self) -> bool:
        """Whether all its greenlets have ended."""
        return self.is_dead or (bool(self._members) and all(member.dead for member in self._members))

    def crash(self) -> None:
        """End every greenlet of the process at its current call."""
        if not self.is_dead:
            self.is_dead = True
            self._scheduler.after(0.0, self._end)

    def _end(self) -> None:
        for member in self._members:
            if member:  # it has begun, and is not dead
                member.throw(Crash())
        self._on_crash()

    def _spawn(self, work: Callable[[], object]) -> None:
        def guarded() -> None:
            with suppress(Crash):
                work()

        member = greenlet(guarded, parent=self._scheduler.hub)
        member.process = self
        self._members.append(member)
        self._scheduler.after(0.0, partial(self._resume, member))

    def _resume(self, member: greenlet) -> None:
        if not member.dead and not self.is_dead:
            member.switch()

    def wait(self, seconds: float) -> None:
        """Suspend the current greenlet for simulated seconds."""
        self._scheduler.after(seconds, partial(self._resume, getcurrent()))
        self._scheduler.hub.switch()

    def resumption(self) -> Callable[[], None]:
        """Return a function that resumes the current greenlet."""
        return partial(self._resume, getcurrent())

    def suspend(self, waiters: list[Callable[[], None]]) -> None:
        """Suspend the current greenlet until one of `waiters` is called."""
        waiters.append(self.resumption())
        self._scheduler.hub.switch()

    def wait_for(self, future: "Future", seconds: float) -> bool:
        """Suspend the current greenlet until a future is done, at most for some seconds; return whether it is done."""
        if not future.is_done:
            wake = _once(self.resumption())
            future.waiters.append(wake)
            self._scheduler.after(seconds, wake)
            self._scheduler.hub.switch()
        return future.is_done

    def later(self, action: Callable[[], object]) -> None:
        """Call `action` when the current greenlet waits next."""
        self._scheduler.after(0.0, action)


class Scheduler:
    """The scheduled events."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.hub = getcurrent()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Call `action` after some seconds. Simultaneous events run in the order in which they were scheduled."""
        at = self.now + seconds if seconds > 0.0 else self.now
        heapq.heappush(self._heap, (at, next(self._order), action))

    def run(self, until: float) -> bool:
        """Run events up to a time; return whether none is left before it."""
        self.hub = getcurrent()
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, action = pop(heap)
            action()
        return not heap


def _once(action: Callable[[], object]) -> Callable[[], None]:
    """Return a function that calls `action` the first time only."""
    is_left = True

    def call() -> None:
        nonlocal is_left
        if is_left:
            is_left = False
            action()

    return call


def current_process() -> Process | None:
    """Return the running process; None in the simulator itself."""
    process: Process | None = getattr(getcurrent(), "process", None)
    return process


class Future:
    """The future result of a simulated thread."""

    def __init__(self) -> None:
        self.is_done = False
        self.value: Any = None
        self.error: Exception | None = None
        self.waiters: list[Callable[[], None]] = []

    def settle(self, value: Any, scheduler: Scheduler) -> None:  # noqa: ANN401 - as concurrent.futures has it
        """Set the value, and resume the waiting greenlets."""
        self.value, self.is_done = value, True
        for resume in self.waiters:
            scheduler.after(0.0, resume)

    def done(self) -> bool:
        """Return whether there is a value or an error."""
        return self.is_done

    def cancelled(self) -> bool:
        """Return False, as `cancel` does."""
        return False

    def cancel(self) -> bool:
        """Return False, because a simulated thread has begun and cannot be cancelled."""
        return False

    def set_result(self, value: object) -> None:
        """End with a value."""
        self.value = value
        self._end()

    def set_exception(self, error: BaseException) -> None:
        """End with an error; a crash ends the whole process."""
        if not isinstance(error, Exception):
            process = current_process()
            if process is not None and isinstance(error, Crash):
                process.crash()
            raise error
        self.error = error
        self._end()

    def _end(self) -> None:
        process, self.is_done = current_process(), True
        for resume in self.waiters:
            if process is None:
                resume()
            else:
                process.later(resume)

    def exception(self) -> Exception | None:
        """Return the thread's exception; None if it is not done or raised none."""
        return self.error

    def result(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - as concurrent.futures has it
        """Wait for the value, or raise the thread's exception."""
        process = current_process()
        while not self.is_done:
            if process is None:
                raise RuntimeError("a simulated thread was not finished and nobody simulates it")
            if timeout is None:
                process.suspend(self.waiters)
            elif not process.wait_for(self, timeout):
                raise TimeoutError
        if self.error is not None:
            raise self.error
        return self.value


class Thread:
    """`threading.Thread` of the simulation: a greenlet of the process that starts it."""

    def __init__(self, *, target: Callable[..., object], args: tuple[Any, ...] = (), **_: object) -> None:
        self._target, self._arguments = target, args

    def start(self) -> None:
        """Start the thread; it begins when the current greenlet waits."""
        process = current_process()
        if process is None:
            self._target(*self._arguments)
        else:
            process.fork(lambda: self._target(*self._arguments))


class Executor:
    """`ThreadPoolExecutor` of simulated threads; outside a process it calls the work at once."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:  # noqa: ARG002
        self._futures: list[Future] = []
        self._max_workers = max_workers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, Crash):
            self.shutdown()

    def shutdown(self, *, wait: bool = True, cancel_futures: bool = False) -> None:  # noqa: ARG002 - all have begun
        """Wait for every thread, unless the process has crashed."""
        process = current_process()
        for future in self._futures:
            while wait and not (future.is_done or process is None or process.is_dead):
                process.suspend(future.waiters)

    def submit(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Future:  # noqa: ANN401 - as concurrent.futures
        """Start `work(*arguments, **named)` in a simulated thread."""
        future = Future()

        def run() -> None:
            try:
                future.set_result(work(*arguments, **named))
            except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                future.set_exception(error)

        process = current_process()
        self._futures.append(future)
        if process is None:
            run()
        else:
            process.fork(run)
        return future

    def map(self, work: Callable[..., Any], *iterables: Any) -> list[Any]:  # noqa: ANN401 - as concurrent.futures
        """Yield the results of `work` for each argument, in order."""
        return [future.result() for future in [self.submit(work, *each) for each in zip(*iterables, strict=False)]]


def wait(futures: Iterable[Future], timeout: float) -> None:
    """Wait for futures up to a simulated timeout, as `concurrent.futures.wait` does."""
    process = current_process()
    if process is not None:
        ends = process.now + timeout
        for future in futures:
            process.wait_for(future, max(0.0, ends - process.now))


def as_completed(futures: Iterable[Future]) -> Iterator[Future]:
    """Yield futures as they are given; reading a result waits for it."""
    return iter(list(futures))
