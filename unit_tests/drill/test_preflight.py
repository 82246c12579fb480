"""Test preflight: it reads the observers' heartbeats, and waits for them for a limited time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from drill.phases import preflight
from operations import heartbeats
from operations.heartbeats import Heartbeat

EAST, WEST = "us-east-1", "us-west-2"


def _context(mode: str = "local") -> Any:  # noqa: ANN401 - stands for a context
    return SimpleNamespace(
        target=SimpleNamespace(regions=(EAST, WEST)),
        deployment=SimpleNamespace(client=lambda _, region: region, table=lambda region: f"table of {region}"),
        plan=SimpleNamespace(time_factor=4.0, mode=mode),
        waiting=lambda seconds: iter(range(3 if 20 < seconds < 30 else 0)),
    )


def _heartbeats(monkeypatch: pytest.MonkeyPatch, *rounds: dict[str, Heartbeat]) -> None:
    """Return the rounds of answers one after the other, and then the last one repeatedly."""
    asked = {EAST: 0, WEST: 0}

    def read(client: object, table: str, region: str) -> Heartbeat | None:
        assert (client, table) == (region, f"table of {region}"), "by its own replica"
        held = rounds[min(asked[region], len(rounds) - 1)]
        asked[region] += 1
        return held.get(region)

    monkeypatch.setattr(heartbeats, "read", read)


def _both(at: float, **numbers: float | None) -> dict[str, Heartbeat]:
    held = {name: number for name, number in numbers.items() if number is not None}
    return {region: Heartbeat(at, held) for region in (EAST, WEST)}


def test_heartbeat_in_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _heartbeats(monkeypatch, {}, {EAST: Heartbeat(time.time())}, _both(time.time()))
    assert preflight._heartbeats(_context()).problem == ""  # noqa: SLF001 - one of the checks


@pytest.mark.parametrize("age", [None, 181.0, -181.0])
def test_missing_or_old_heartbeat_is_a_warning(monkeypatch: pytest.MonkeyPatch, age: float | None) -> None:
    fresh = Heartbeat(time.time())
    _heartbeats(monkeypatch, {EAST: fresh} if age is None else {EAST: fresh, WEST: Heartbeat(time.time() - age)})
    check = preflight._heartbeats(_context())  # noqa: SLF001 - likewise
    assert f"of {WEST};" in check.problem
    assert not check.must_hold


@pytest.mark.parametrize(
    ("seconds", "problem", "found"),
    [
        (2.5, "", "us-east-1 2.5 s, us-west-2 2.5 s"),
        (None, "", "none was processed yet"),
        (-1.0, "timed out", ""),
    ],
)
def test_lost_canary_ends_a_live_drill_alone(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, problem: str, found: str
) -> None:
    _heartbeats(monkeypatch, _both(time.time(), canary_seconds=seconds))
    for mode in ("local", "live"):
        check = preflight._canaries(_context(mode))  # noqa: SLF001 - likewise
        assert problem in check.problem
        assert bool(check.problem) is bool(problem)
        assert found in check.found
        assert check.must_hold is (mode == "live")


@pytest.mark.parametrize(
    ("pending", "problem", "found"),
    [(0.0, "", "nothing"), (None, "", "not measured yet in us-east-1, us-west-2"), (3.0, "3 objects on their way to", "")],
)
def test_objects_on_their_way_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, pending: float | None, problem: str, found: str
) -> None:
    _heartbeats(monkeypatch, _both(time.time(), canary_seconds=1.0, replication_pending=pending))
    check = preflight._replication(_context())  # noqa: SLF001 - likewise
    assert problem in check.problem
    assert bool(check.problem) is bool(problem)
    assert found in check.found
    assert not check.must_hold
