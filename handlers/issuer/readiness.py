"""Check whether this region can do its work now: the answer of `GET /ready`, which DNS failover uses."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, ConnectTimeoutError, HTTPClientError

from handlers.issuer.signing_keys import SigningKeys
from handlers.shared import schema
from handlers.shared.control import ControlRegister

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)

CACHE_SECONDS: Final = 5.0
SECRET_SECONDS: Final = 60.0
"""Time between two successful reads of the secret. Secrets Manager bills each call, and a function that has read the secret
signs with it for minutes (`signing_keys`), so a more frequent check would not report an outage earlier."""
DEADLINE_SECONDS: Final = 1.5
"""For all checks together: a health check of Route 53 waits 2 seconds for the answer."""

_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMSAccessDeniedException"})
_MISSING: Final = ("NotFound", "NonExistent", "DoesNotExist")

Check = Callable[[], None]
"""Returns if the dependency works; raises any exception if not."""


class StaleReadError(Exception):
    """Raised when a read returns an older row than the one that was written."""


@dataclass(frozen=True)
class Readiness:
    """The result of all checks."""

    ready: bool
    checks: Mapping[str, Mapping[str, Any]]
    """`ok`, `milliseconds` and, after a failure, one word as `problem` for each check; no details of the system."""


class ReadinessProbe:
    """Runs the checks in parallel, and caches the result, good or bad, for a few seconds.

    Args:
        checks: Each check by its name.
        clock: Returns monotonic seconds.
        deadline_seconds: A check that takes longer has failed.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        clock: Callable[[], float] = time.monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        # A check that hangs keeps its thread past the deadline; the pool has threads for a few such rounds.
        self._pool = ThreadPoolExecutor(max_workers=4 * len(checks), thread_name_prefix="readiness")
        self._last: Readiness | None = None
        self._last_at = 0.0

    def readiness(self) -> Readiness:
        """Return whether the region is ready, at most 5 seconds old."""
        if self._last is None or self._clock() - self._last_at >= CACHE_SECONDS:
            self._last = self._probe()
            self._last_at = self._clock()
        return self._last

    def _probe(self) -> Readiness:
        running = {name: self._pool.submit(_timed, check) for name, check in self._checks.items()}
        wait(running.values(), timeout=self._deadline_seconds)
        checks = {name: self._verdict(name, future) for name, future in running.items()}
        return Readiness(ready=all(check["ok"] for check in checks.values()), checks=checks)

    def _verdict(self, name: str, future: "Future[float]") -> dict[str, Any]:
        if not future.done():
            future.cancel()
            logger.error("readiness check %s did not answer in %s s", name, self._deadline_seconds)
            return {"ok": False, "problem": "timed out"}
        error = future.exception()
        if error is None:
            return {"ok": True, "milliseconds": round(future.result() * 1000)}
        logger.error("readiness check %s failed", name, exc_info=error)
        return {"ok": False, "problem": _problem(error)}


def table_check(dynamodb: "DynamoDBClient", table_name: str, region: str) -> Check:
    """Return a check that this region's replica accepts a write and returns it."""

    def check() -> None:
        key = {schema.PARTITION_KEY: {"S": schema.health_partition_key(region)}, schema.SORT_KEY: {"S": schema.READY}}
        written_at = time.time()
        dynamodb.put_item(
            TableName=table_name,
            Item={**key, "nonce": {"S": secrets.token_hex(8)}, "written_at": {"N": f"{written_at:.3f}"}},
        )
        row = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item", {})
        # Another execution may have written since; a row that is older than this write means that it was lost.
        if float(row.get("written_at", {}).get("N", "0")) < written_at - 1:
            raise StaleReadError(f"the row read back is {row}, older than the one written at {written_at}")

    return check


def queue_check(sqs: "SQSClient", queue_url: str) -> Check:
    """Return a check that the ingest queue answers."""
    return lambda: _done(sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"]))


def secret_check(signing_keys: SigningKeys) -> Check:
    """Return a check that the signing secret can be read now, and can sign."""
    return lambda: _done(signing_keys.read())


def control_check(control: ControlRegister) -> Check:
    """Return a check that the control register can be read now."""
    return lambda: _done(control.read())


def at_most_every(seconds: float, check: Check, *, clock: Callable[[], float] = time.monotonic) -> Check:
    """Return a check that runs again only when its last success is older than the given seconds.

    A failure is not cached: the next probe runs the check again, so that a region is ready as soon as possible.
    """
    passed_at: float | None = None

    def checked() -> None:
        nonlocal passed_at
        now = clock()
        if passed_at is not None and now - passed_at < seconds:
            return
        passed_at = None
        check()
        passed_at = now

    return checked


def _done(_answer: object) -> None:
    """Ignore an answer; that it arrived is enough."""


def _timed(check: Check) -> float:
    began = time.perf_counter()
    check()
    return time.perf_counter() - began


def _problem(error: BaseException) -> str:
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code in _DENIED:
            return "denied"
        return "missing" if any(word in code for word in _MISSING) else "failed"
    return "timed out" if isinstance(error, ConnectTimeoutError | HTTPClientError) else "failed"
