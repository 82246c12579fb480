"""Test heartbeats, the state of a peer, the memory between runs, the time of a run, and its steps."""

import json
import threading
from dataclasses import asdict
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.observer import heartbeat as heartbeats
from handlers.observer.auto_promote import Streak
from handlers.observer.canary import Canary
from handlers.observer.digests import Scan
from handlers.observer.handler import scheduled_at
from handlers.observer.heartbeat import Heartbeat
from handlers.observer.memory import Memory, MemoryStore, parse
from handlers.observer.observation import SECONDS
from handlers.observer.peer import Look, PeerView
from handlers.observer.steps import Steps
from unit_tests.handlers.observer.table import Table

NOW = 1_769_860_800.0
counts = st.none() | st.integers(0, 10**9)
seconds = st.none() | st.integers(0, 10**6).map(lambda number: number / 1000)
heartbeat_of_any = st.builds(
    Heartbeat,
    at=st.integers(0, 4 * 10**9).map(float),
    api_url=st.none() | st.just("https://api.example"),
    ready=st.none() | st.booleans(),
    canary_seconds=seconds | st.just(-1.0),
    queue_depth=counts,
    shadow_age=seconds,
    dead_letters=counts,
    replication_pending=counts,
    epoch=counts,
)


@pytest.mark.property
@given(heartbeat_of_any)
def test_heartbeat_reads_back(heartbeat: Heartbeat) -> None:
    table: Any = Table()
    assert heartbeats.write(table, "t", "us-east-1", heartbeat)
    assert heartbeats.read(table, "t", "us-east-1") == heartbeat
    assert heartbeats.read(table, "t", "us-west-2") is None
    assert list(table.rows) == [("HEARTBEAT#us-east-1", "LATEST")]


def test_late_heartbeat_does_not_undo_a_newer_one() -> None:
    table: Any = Table()
    heartbeats.write(table, "t", "us-east-1", Heartbeat(at=NOW))
    assert not heartbeats.write(table, "t", "us-east-1", Heartbeat(at=NOW - 60))
    assert heartbeats.read(table, "t", "us-east-1") == Heartbeat(at=NOW)


def test_heartbeat_without_a_time_raises() -> None:
    with pytest.raises(ValueError, match="has no number"):
        Heartbeat.parse({"epoch": {"N": "1"}})


looks = st.just(Look(could_read=False)) | st.builds(Look, could_read=st.just(True), heartbeat=st.none() | heartbeat_of_any)


@pytest.mark.property
@given(look=looks, is_ready=st.none() | st.booleans(), age=st.floats(-1000, 1000))
def test_peer_problems_make_it_unhealthy_and_two_signals_dead(
    *,
    look: Look,
    is_ready: bool | None,
    age: float,
) -> None:
    heartbeat = look.heartbeat
    now = (heartbeat.at if heartbeat else NOW) + age
    view = PeerView(look=look, is_ready=is_ready, claims=None, now=now)
    old = heartbeat is not None and abs(now - heartbeat.at) > 180
    lost = heartbeat is not None and heartbeat.canary_seconds == -1
    assert bool(view.problems) == (heartbeat is None or old or lost or is_ready is False)
    assert view.is_dead == ((not look.could_read or old) and is_ready is False)


memories = st.builds(
    Memory,
    run_at=st.integers(0, 10**9).map(float),
    canary=st.none() | st.builds(Canary, st.just("a" * 64), st.just(1.0), st.just(2.5), st.just(0.1), st.booleans()),
    canary_seconds=seconds,
    peer_api_url=st.none() | st.just("https://api.example"),
    streak=st.builds(Streak, st.integers(0, 9), st.just(NOW), st.none() | st.just(NOW)),
    scan=st.none() | st.builds(Scan, st.just("2026-01-31T12"), st.integers(0, 32), st.none() | st.just({"pk": {"S": "x"}})),
    turn=st.integers(0, 10**6),
)


@pytest.mark.property
@given(memories)
def test_memory_that_is_kept_is_recalled(memory: Memory) -> None:
    store = MemoryStore(dynamodb=cast("Any", Table()), table_name="t", region="us-east-1")
    assert store.recall() == Memory()
    store.keep(memory, NOW)
    assert store.recall() == memory
    store.keep(Memory(), NOW - 1)
    assert store.recall() == memory, "a run that was given up does not undo a later one"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", json.dumps(asdict(Memory()) | {"streak": {"colour": 1}})])
def test_memory_of_another_version_starts_empty(text: str) -> None:
    assert parse(text) == Memory()


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ({"time": "2026-01-31T12:00:00Z"}, NOW),
        ({}, NOW + 30),
        ({"time": "soon"}, NOW + 30),
        ({"time": 7}, NOW + 30),
        ({"time": "2026-01-31T13:01:00Z"}, NOW + 30),
        ({"time": "9999-12-31T23:59:59Z"}, NOW + 30),
        ({"time": "0001-01-01T00:00:00"}, NOW + 30),
    ],
)
def test_run_is_identified_by_its_scheduled_time(event: dict[str, Any], at: float) -> None:
    assert scheduled_at(event, lambda: NOW + 30) == at


class Counts:
    """Records the counts."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def count(self, name: str, number: int = 1) -> None:
        """Record a count."""
        self.names += [name] * number


def steps() -> tuple[Steps, Counts]:
    counts = Counts()
    return Steps(cast("Any", counts)), counts


def test_step_returns_its_result() -> None:
    ours, counts = steps()
    assert ours.run("good", lambda: 7, seconds=1, otherwise=None) == 7
    assert (ours.failed, counts.names) == ([], [])


@pytest.mark.parametrize("error", [ConnectionError("x"), TimeoutError("its own"), RuntimeError("a bug")])
def test_step_that_fails_is_reported_and_the_next_one_runs(error: Exception) -> None:
    ours, counts = steps()

    def bad() -> int:
        raise error

    assert ours.run("bad", bad, seconds=1, otherwise=0) == 0
    assert ours.run("good", lambda: 1, seconds=1, otherwise=0) == 1
    assert (ours.failed, counts.names) == (["bad"], ["StepsFailed"])


def test_step_that_hangs_costs_only_its_time_limit() -> None:
    counts = Counts()
    now = 0.0
    ours = Steps(cast("Any", counts), clock=lambda: now)
    release = threading.Event()
    try:
        assert ours.run("hangs", lambda: release.wait(30), seconds=0.1, otherwise=None) is None
        hanging = [ours.begin(name, lambda: release.wait(30), seconds=60) for name in "abc"]
        assert ours.run("good", lambda: 1, seconds=60, otherwise=0) == 1
        now = 60.0  # the time of all three began when they did: nothing of it is left for any
        assert [ours.end(one, otherwise=None) for one in hanging] == [None] * 3
    finally:
        release.set()
    assert (ours.failed, counts.names) == (["hangs", "a", "b", "c"], ["StepsFailed"] * 4)


def test_run_without_any_answer_ends_before_the_timeout() -> None:
    # In this order, as `Observer.observe` does; the peer's 8 seconds begin with the looks and pass beside them.
    worst = ["recall", "look", "canary", "canary", "heartbeat", "promotion", "promotion", "digests", "keep"]
    beside = ["look", "canary", "canary", "heartbeat"]
    assert set(worst) | {"peer"} == set(SECONDS)
    assert sum(SECONDS[name] for name in beside) >= SECONDS["peer"]
    assert sum(SECONDS[name] for name in worst) <= 42
