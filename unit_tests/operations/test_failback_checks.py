"""The failback checks pass only if both regions are healthy and hold the same state."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from operations import failback_checks
from operations.digests import Digests
from operations.heartbeats import Heartbeat
from operations.reconciler import Reconciled
from operations.status import NO_CREDENTIALS, RegionStatus

EAST, WEST = "us-east-1", "us-west-2"
NOW = 1000.0
DIGESTS: Digests = {"2026-11-24T03#0": ("2", "aa", "bb")}


def _heartbeat(at: float = 970.0, **numbers: float) -> Heartbeat:
    return Heartbeat(at, {"queue_depth": 0, "shadow_age": 0, "replication_pending": 0} | numbers)


def _well(region: str) -> RegionStatus:
    return RegionStatus(
        region,
        claims={WEST: 1},
        ready=True,
        waiting=0,
        heartbeats={EAST: _heartbeat(), WEST: _heartbeat()},
        digests={EAST: dict(DIGESTS), WEST: dict(DIGESTS)},
        reconciled=Reconciled(NOW - 200),
    )


def _reasons(change: Callable[[RegionStatus, RegionStatus], object], **when: float) -> list[str]:
    east, west = _well(EAST), _well(WEST)
    change(east, west)
    return [one.text for one in failback_checks.unmet([east, west], back_to=EAST, now=NOW, **when)]


def _set(of: Callable[[RegionStatus, RegionStatus], RegionStatus], **values: object) -> Callable[..., None]:
    def change(east: RegionStatus, west: RegionStatus) -> None:
        for name, value in values.items():
            setattr(of(east, west), name, copy.deepcopy(value))

    return change


def _east(**values: object) -> Callable[..., None]:
    return _set(lambda east, _: east, **values)


def _west(**values: object) -> Callable[..., None]:
    return _set(lambda _, west: west, **values)


def _everywhere(region: str, heartbeat: Heartbeat) -> Callable[..., None]:
    def change(east: RegionStatus, west: RegionStatus) -> None:
        east.heartbeats[region] = west.heartbeats[region] = heartbeat

    return change


def test_failback_healthy_regions_is_allowed() -> None:
    assert _reasons(lambda *_: None) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_east(claims=None, problems=["the table: gone"]), "us-east-1 does not answer: the table: gone"),
        (_west(claims=None, silence=NO_CREDENTIALS), "us-west-2 no credentials"),
        (_east(ready=False), "GET /ready of us-east-1 does not answer 200"),
        (_west(ready=None), "GET /ready of us-west-2 does not answer 200"),
        (_east(claims={}), "the replicas disagree on who is active"),
        (_everywhere(EAST, _heartbeat(800.0)), "the observer of us-east-1 wrote its last heartbeat 200 s ago"),
        (_east(heartbeats={WEST: _heartbeat()}), "the observer of us-east-1 has written no heartbeat"),
        (_east(heartbeats={EAST: _heartbeat()}), "us-east-1 holds no heartbeat of us-west-2"),
        (
            _east(heartbeats={EAST: _heartbeat(), WEST: _heartbeat(910.0)}),
            "the last heartbeat of us-west-2 in us-east-1 is 90 s old",
        ),
        (
            _west(heartbeats={EAST: _heartbeat(910.0), WEST: _heartbeat()}),
            "the last heartbeat of us-east-1 in us-west-2 is 90 s old",
        ),
        (
            _everywhere(EAST, _heartbeat(replication_pending=2)),
            "2 objects of the other region's bucket have not arrived in us-east-1's",
        ),
        (_everywhere(WEST, _heartbeat(replication_pending=2)), "have not arrived in us-west-2's"),
        (
            _everywhere(EAST, Heartbeat(970.0)),
            "the observer of us-east-1 could not measure what is on its way to it",
        ),
        (_east(waiting=None), "the depth of the ingest queue of us-east-1 could not be read"),
        (_east(waiting=5), "5 messages in us-east-1 are not verified yet (their age is unknown)"),
        (
            lambda east, west: (
                _everywhere(EAST, _heartbeat(queue_depth=5, shadow_age=241))(east, west),
                _east(waiting=5)(east, west),
            ),
            "5 messages in us-east-1 are not verified yet (the oldest for 241 s)",
        ),
        (_east(digests={WEST: DIGESTS}), "the digests of us-east-1 could not be read"),
        (
            _east(digests={EAST: {"2026-11-24T03#0": ("1", "aa", "bb")}}),
            "the digests of 1 closed hours differ, the first is 2026-11-24T03",
        ),
        (_west(digests={WEST: {"2026-11-24T03#0": ("2", "aa", "cc")}}), "closed hours differ"),
        (
            _west(reconciled=Reconciled(NOW, 2, ("object-without-result: incoming/a", "..."))),
            "the reconciler of us-west-2 lists 2 objects with a wrong state (object-without-result: incoming/a)",
        ),
        (_east(reconciled=Reconciled(NOW - 3600)), "the reconciler of us-east-1 last ran 60 minutes ago"),
    ],
)
def test_failback_unmet_condition_is_reported_with_an_action(change: Callable[..., object], expected: str) -> None:
    (reason,) = _reasons(change)
    assert expected in reason
    assert ":" in reason.removeprefix(expected) or expected.endswith("gone") or NO_CREDENTIALS in expected


@pytest.mark.parametrize(
    "change",
    [
        # The busy platform: what has just come waits for its result.
        lambda east, west: (
            _everywhere(EAST, _heartbeat(queue_depth=5, shadow_age=16))(east, west),
            _east(waiting=9)(east, west),
        ),
        _west(waiting=9),
        # The observer's own canary is on the way.
        _everywhere(EAST, _heartbeat(replication_pending=1)),
        # The newest heartbeat is on its way.
        lambda east, _: east.heartbeats.update({EAST: _heartbeat(995.0)}),
        # An hour that only one region has digested yet says nothing.
        _east(digests={EAST: DIGESTS | {"2026-11-24T04#0": ("1", "a", "b")}}),
        # Nor does a reconciler that has not had its first run.
        _west(reconciled=None),
    ],
)
def test_failback_normal_state_is_allowed(change: Callable[..., object]) -> None:
    assert _reasons(change) == []


@pytest.mark.parametrize(
    ("seconds", "time_factor", "is_allowed"),
    [(0, 1.0, False), (209, 1.0, False), (211, 1.0, True), (74, 4.0, False), (76, 4.0, True)],
)
def test_failback_waits_for_a_number_of_the_decision(
    seconds: float,
    time_factor: float,
    is_allowed: bool,  # noqa: FBT001
) -> None:
    """The heartbeats are 30 s old, and S3's number is late."""
    found = _reasons(lambda *_: None, decided_at=NOW - seconds, time_factor=time_factor)
    assert (found == []) is is_allowed
    assert all(f"first heartbeat after {max(0, 180 / time_factor - seconds):.0f} s" in one for one in found), found


def _busy(shadow_age: float) -> Callable[..., object]:
    return lambda east, west: (
        _everywhere(EAST, _heartbeat(queue_depth=500, shadow_age=shadow_age, replication_pending=80))(east, west),
        _east(waiting=500)(east, west),
    )


@pytest.mark.parametrize(("seconds", "is_allowed"), [(0, False), (600, False), (899, False), (901, True)])
def test_failback_of_a_busy_platform_waits_for_what_is_older(seconds: float, is_allowed: bool) -> None:  # noqa: FBT001
    assert (_reasons(_busy(seconds - 30), decided_at=NOW - seconds) == []) is is_allowed, "the heartbeat is 30 s old"


def test_failback_message_older_than_the_decision_is_waited_for() -> None:
    (reason,) = _reasons(_busy(971), decided_at=NOW - 1000)
    assert "500 messages in us-east-1 are not verified yet (the oldest for 971 s)" in reason


def test_failback_estimate_follows_the_rate() -> None:
    now = [0.0]
    estimate = failback_checks.Estimate(lambda: now[0])
    shown = []
    for seconds, left in ((0, 100), (10, 100), (20, 80), (30, 150), (40, 100)):
        now[0] = seconds
        shown.append(estimate.sentence(failback_checks.Reason(f"{left} messages wait", passes=True, left=left)))
    assert ["no estimate yet" in one for one in shown] == [True, True, False, True, False]
    assert "about 80 s left" in shown[2]
    assert "about 20 s left" in shown[4]
    assert estimate.sentence(failback_checks.Reason("the digests differ")) == "the digests differ"
