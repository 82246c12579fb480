"""Test steps: one that fails or hangs is reported and stops no other, and all together end in time."""

import threading
from typing import Any, cast

import pytest

from handlers.observer.observation import SECONDS
from handlers.observer.steps import Steps


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
