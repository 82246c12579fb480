"""Test preflight: it reads the observers' heartbeats, and waits for them for a limited time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from drill.model import ReviewedPlan
from drill.phases import preflight
from drill.plan import Plan
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


def _with_alarms(alarms: dict[str, list[dict[str, str]]], *wanted: str) -> Any:  # noqa: ANN401 - stands for a context
    """Return a drill by a plan file in a cloud that holds these alarms, by region."""

    def describe(region: str, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Return pages as DescribeAlarms: metric alarms alone unless it is asked for composite ones, two on a page."""
        kinds = given.get("AlarmTypes", ["MetricAlarm"])
        names = given.get("AlarmNames")
        held = [
            one
            for one in alarms.get(region, [])
            if one.get("kind", "MetricAlarm") in kinds and (names is None or one["AlarmName"] in names)
        ]
        lists = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}
        return [{lists[one.get("kind", "MetricAlarm")]: [one]} for one in held]

    def client(_service: str, region: str) -> Any:  # noqa: ANN401 - as boto3
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **given: describe(region, given)))

    reviewed = ReviewedPlan(
        file="drill/plans/x.toml", sha256="0" * 64, hypothesis="h", watcher="w", approvers=("a",), abort_alarms=wanted
    )
    plan = Plan(drill_id="20260101T000000Z-abcdef", environment="qa", prefix="acme", reviewed=reviewed)
    return SimpleNamespace(target=SimpleNamespace(regions=(EAST, WEST), client=client), plan=plan)


def _alarm(name: str, state: str = "OK", kind: str = "MetricAlarm") -> dict[str, str]:
    return {"AlarmName": name, "StateValue": state, "kind": kind}


def test_abort_alarm_name_follows_the_settings() -> None:
    context = _with_alarms({WEST: [_alarm("acme-lww-conflicts-qa")]}, "{prefix}-lww-conflicts-{environment}")
    check = preflight._abort_alarms(context)  # noqa: SLF001 - one of the checks
    assert (check.problem, check.found) == ("", "acme-lww-conflicts-qa")


@pytest.mark.parametrize("kind", ["MetricAlarm", "CompositeAlarm"])
def test_abort_alarm_in_alarm_already_is_refused(kind: str) -> None:
    alarms = {EAST: [_alarm("first"), _alarm("second", kind=kind)], WEST: [_alarm("second", "ALARM", kind)]}
    check = preflight._abort_alarms(_with_alarms(alarms, "first", "second"))  # noqa: SLF001 - likewise
    assert check.must_hold
    assert check.problem == (
        "abort_alarms of drill/plans/x.toml: second is in ALARM in us-west-2, which would end the drill at once. "
        "Fix its cause, or leave it out and have the plan reviewed."
    )


def test_missing_abort_alarm_is_refused_with_the_allowed_names() -> None:
    # The name of an alarm may hold any character: "lww (b)" is no alarm "lww".
    alarms = {EAST: [_alarm("lww (b)"), _alarm("acme-canary-failed-qa")], WEST: [_alarm("other", kind="CompositeAlarm")]}
    check = preflight._abort_alarms(_with_alarms(alarms, "lww", "lww (b)"))  # noqa: SLF001 - likewise
    assert check.problem == (
        "abort_alarms of drill/plans/x.toml: there is no alarm 'lww' in us-east-1 or us-west-2. The nearest names there are "
        "lww (b), acme-canary-failed-qa, other. Write one that is there; {prefix} and {environment} in a name stand for "
        "acme and qa."
    )
