"""Test readiness: the checks run in parallel within a deadline, are cached, and show no internal details."""

import json
import threading
import time
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from handlers.issuer.readiness import DEADLINE_SECONDS, Check, ReadinessProbe, StaleReadError, at_most_every, table_check


def good() -> None:
    pass


def bad(error: Exception) -> Check:
    def check() -> None:
        raise error

    return check


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:iam::000000000000:role/secret-role"}}, "PutItem")


def test_readiness_without_a_problem_is_ready() -> None:
    readiness = ReadinessProbe({"table": good, "queue": good}).readiness()
    assert readiness.ready
    assert set(readiness.checks) == {"table", "queue"}
    assert all(check["milliseconds"] >= 0 for check in readiness.checks.values())


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (client_error("AccessDeniedException"), "denied"),
        (client_error("ResourceNotFoundException"), "missing"),
        (client_error("AWS.SimpleQueueService.NonExistentQueue"), "missing"),
        (client_error("QueueDoesNotExist"), "missing"),
        (client_error("ProvisionedThroughputExceededException"), "failed"),
        (ReadTimeoutError(endpoint_url="https://secret-host"), "timed out"),
        (EndpointConnectionError(endpoint_url="https://secret-host"), "failed"),
        (StaleReadError("secret-row"), "failed"),
        (RuntimeError("secret-bug"), "failed"),
    ],
)
def test_failed_check_is_not_ready_and_shows_no_details(error: Exception, problem: str) -> None:
    readiness = ReadinessProbe({"table": good, "queue": bad(error)}).readiness()
    assert not readiness.ready
    assert readiness.checks["table"]["ok"]
    assert readiness.checks["queue"] == {"ok": False, "problem": problem}
    assert "secret" not in json.dumps(dict(readiness.checks))


@pytest.mark.parametrize("outcome", [None, RuntimeError("down")])
def test_readiness_result_is_cached_for_five_seconds(outcome: Exception | None) -> None:
    asked = 0
    now = 100.0

    def check() -> None:
        nonlocal asked
        asked += 1
        if outcome:
            raise outcome

    probe = ReadinessProbe({"table": check}, clock=lambda: now)
    for later in (0.0, 1.0, 4.9):
        now = 100.0 + later
        assert probe.readiness().ready is (outcome is None)
    assert asked == 1
    now = 105.0
    probe.readiness()
    assert asked == 2


def test_success_is_cached_for_a_minute_and_a_failure_never() -> None:
    asked: list[float] = []
    now, outcome = 0.0, None

    def check() -> None:
        asked.append(now)
        if outcome:
            raise outcome

    kept = at_most_every(60, check, clock=lambda: now)
    for later in (0, 5, 59):
        now = float(later)
        kept()
    assert asked == [0]
    now, outcome = 60.0, RuntimeError("the secret is gone")
    for later in (60, 65, 70):
        now = float(later)
        with pytest.raises(RuntimeError, match="gone"):
            kept()
    assert asked == [0, 60, 65, 70]
    now, outcome = 75.0, None
    kept()
    now = 80.0
    kept()
    assert asked[-1] == 75


def test_probe_reads_the_secret_at_most_once_a_minute() -> None:
    now = 0.0
    reads = 0

    def read() -> None:
        nonlocal reads
        reads += 1

    probe = ReadinessProbe({"secret": at_most_every(60, read, clock=lambda: now)}, clock=lambda: now)
    for second in range(600):
        now = float(second)
        assert probe.readiness().ready
    assert reads == 10


def test_hanging_check_ends_at_the_deadline() -> None:
    released = threading.Event()

    def hang() -> None:
        released.wait(30)

    probe = ReadinessProbe({"table": hang, "queue": good})
    try:
        readiness = probe.readiness()  # while the check still hangs
    finally:
        released.set()
    assert DEADLINE_SECONDS < 2  # the timeout of a health check of Route 53
    assert readiness.checks["table"] == {"ok": False, "problem": "timed out"}
    assert readiness.checks["queue"]["ok"]


def test_checks_run_at_once() -> None:
    together = threading.Barrier(4, timeout=5)

    def meet() -> None:
        together.wait()

    assert ReadinessProbe(dict.fromkeys("abcd", meet), deadline_seconds=5).readiness().ready


def table_answering(row: Callable[[], dict[str, dict[str, str]]]) -> Check:
    dynamodb = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    answers = Stubber(dynamodb)
    answers.add_response("put_item", {})
    answers.add_response("get_item", {"Item": row()})
    answers.activate()
    return table_check(dynamodb, "table", "us-east-1")


def test_table_must_return_the_written_row() -> None:
    table_answering(lambda: {"written_at": {"N": f"{time.time() + 5:.3f}"}})()
    with pytest.raises(StaleReadError):
        table_answering(lambda: {"written_at": {"N": f"{time.time() - 5:.3f}"}})()
    with pytest.raises(StaleReadError):
        table_answering(dict)()
