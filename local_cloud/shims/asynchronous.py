"""Let asynchronous invocations wait while their function has no concurrency left.

Faithful: an event whose function is throttled is tried again until it is older than MaximumEventAgeInSeconds, and this
does not count as one of MaximumRetryAttempts; after that age, the event goes to the on-failure destination.
Different from AWS: it is tried again as soon as there is concurrency, without a growing delay, and in no order.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from ministack.services import lambda_svc

_LOOK_AGAIN_SECONDS: Final = 0.1
_LONGEST_AGE_SECONDS: Final = 6 * 3600
_until: Final[contextvars.ContextVar[float]] = contextvars.ContextVar("event_too_old_at", default=0.0)
"""The deadline on the monotonic clock; in the past for any other invocation."""


_waiting: Final[Counter[str]] = Counter()
_counting: Final = threading.Lock()


def install() -> None:
    """Wait before an asynchronous invocation. The stock code counts a throttled one as a failure of the function."""
    stock_invoke, stock_execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function

    def invoke(function: dict[str, Any], event: Any) -> None:  # noqa: ANN401  any JSON value
        mark = _until.set(time.monotonic() + _longest_age(function))
        try:
            # Its thread starts with a copy of this context.
            stock_invoke(function, event)
        finally:
            _until.reset(mark)

    def execute(function: dict[str, Any], event: Any) -> Any:  # noqa: ANN401  ministack's event and result
        while True:
            with _queued(function):
                while _is_busy(function) and time.monotonic() < _until.get():
                    time.sleep(_LOOK_AGAIN_SECONDS)
            result = stock_execute(function, event)
            # Another one may have been faster.
            if not _is_throttled(result) or time.monotonic() >= _until.get():
                return result

    lambda_svc.invoke_async_with_retry = invoke
    lambda_svc._execute_function = execute


def is_waiting(function: dict[str, Any]) -> bool:
    """Return whether an asynchronous event of a function waits for its concurrency.

    Args:
        function: ministack's record of it.
    """
    return _waiting[_arn(function)] > 0


@contextlib.contextmanager
def _queued(function: dict[str, Any]) -> Iterator[None]:
    arn, is_event = _arn(function), time.monotonic() < _until.get()
    with _counting:
        _waiting[arn] += is_event
    try:
        yield
    finally:
        with _counting:
            _waiting[arn] -= is_event


def _arn(function: dict[str, Any]) -> str:
    arn: str = (function.get("config") or function)["FunctionArn"]
    return arn


def _longest_age(function: dict[str, Any]) -> float:
    settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    return float(settings.get("MaximumEventAgeInSeconds") or _LONGEST_AGE_SECONDS)


def _is_busy(function: dict[str, Any]) -> bool:
    configuration = function.get("config") or function
    reserved = lambda_svc._reserved_concurrency(function, configuration)
    if reserved is None:
        return False
    _all, by_function = lambda_svc.executions_in_flight()
    return bool(by_function.get(lambda_svc._inflight_key(configuration), 0) >= reserved)


def _is_throttled(result: Any) -> bool:  # noqa: ANN401  ministack's result
    body = result.get("body") if isinstance(result, dict) else None
    return isinstance(body, dict) and body.get("__type") == "TooManyRequestsException"
