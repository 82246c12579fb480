"""Test the faults and their control: each injected fault is healed by the journal, even after a kill."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drill import fault_control
from drill.faults import FAULTS
from drill.journal import Journal
from drill.model import Sample
from drill.plan import FaultSpec, Plan
from drill.stops import Stop, StopConditions
from local_cloud import LocalCloudError
from operations.errors import RunFailure

EAST, WEST = "us-east-1", "us-west-2"


class FakeFaultInjector:
    """Records the active faults."""

    def __init__(self) -> None:
        self.target = SimpleNamespace(primary=EAST, secondary=WEST, regions=(EAST, WEST))
        self.state: dict[str, Any] = {}
        self.fail = 0

    def _set(self, name: str, value: object, usual: object) -> None:
        if self.fail:
            self.fail -= 1
            raise LocalCloudError("not now")
        self.state.pop(name, None)
        if value != usual:
            self.state[name] = value

    def set_region_down(self, region: str, *, down: bool) -> None:
        if f"destroyed {region}" in self.state:
            raise LocalCloudError(f"{region} is destroyed and does not come back")
        self._set(f"down {region}", down, False)

    def destroy_region(self, region: str) -> None:
        self._set(f"destroyed {region}", True, False)

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        self._set(f"stalled {region}", stalled, False)

    def set_partition(self, *, cut: bool) -> None:
        self._set("cut", cut, False)

    def set_lag(self, seconds: float | None) -> None:
        self._set("lag", seconds, None)

    def set_hazards(self, strengths: dict[str, float | None]) -> None:
        self._set("hazards", {name: one for name, one in strengths.items() if one is not None}, {})

    def set_throttle(self, region: str, share: float) -> None:
        self._set(f"throttle {region}", share, 0)

    def set_crash(self, region: str, share: float) -> None:
        self._set(f"crash {region}", share, 0)

    def set_denied(self, region: str, *, denied: bool) -> None:
        self._set(f"denied {region}", denied, False)


TESTED = tuple(name for name in FAULTS if name not in {"dlq-flood", "destroy"})


@pytest.mark.parametrize("name", TESTED)
def test_fault_is_injected_and_healed_idempotently(name: str) -> None:
    injector: Any = FakeFaultInjector()
    fault = FAULTS[name]
    assert fault.inject(injector) == fault.inject(injector)
    assert bool(injector.state) == (name != "planned")
    fault.heal(injector)
    fault.heal(injector)
    assert injector.state == {}


def _context(folder: Path, injector: FakeFaultInjector, *specs: FaultSpec) -> Any:  # noqa: ANN401 - what stands for a context
    plan = Plan(drill_id="20260101T000000Z-abcdef", faults=specs)
    journal = Journal(folder / "journal.jsonl")
    return SimpleNamespace(plan=plan, journal=journal, platform=injector, phase="failback", say=lambda _: None)


@pytest.mark.property
@given(
    st.lists(st.tuples(st.sampled_from(TESTED), st.sampled_from(["inject", "failback"])), unique=True, max_size=6), st.data()
)
def test_whatever_was_begun_is_healed_even_after_a_kill(
    tmp_path_factory: pytest.TempPathFactory, specs: list[tuple[str, str]], data: st.DataObject
) -> None:
    folder, injector = tmp_path_factory.mktemp("drill"), FakeFaultInjector()
    context = _context(folder, injector, *(FaultSpec(*one) for one in specs))
    for phase in ("inject", "failback"):
        fault_control.inject(context, phase)
    # A kill leaves the journal's beginning: whatever was begun by then must be known.
    lines = context.journal.path.read_bytes().splitlines(keepends=True)
    kept = data.draw(st.integers(0, len(lines)))
    context.journal.path.write_bytes(b"".join(lines[:kept]))
    resumed = _context(folder, injector)
    begun = {entry.data["name"] for entry in resumed.journal.of("fault injecting")}
    assert set(fault_control.active_faults(resumed.journal)) == begun
    fault_control.heal(resumed)
    assert fault_control.active_faults(resumed.journal) == []
    for name in begun - {"planned"}:
        probe: Any = FakeFaultInjector()
        FAULTS[name].inject(probe)
        assert not probe.state.items() & injector.state.items()


def test_injected_fault_is_not_injected_again(tmp_path: Path) -> None:
    context = _context(tmp_path, FakeFaultInjector(), FaultSpec("blackout"))
    fault_control.inject(context, "inject")
    fault_control.heal(context)
    fault_control.inject(context, "inject")
    assert context.platform.state == {}


def test_healing_is_tried_again_and_a_failure_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    context = _context(tmp_path, FakeFaultInjector(), FaultSpec("blackout"))
    fault_control.inject(context, "inject")
    context.platform.fail = 2
    fault_control.heal(context)
    assert context.platform.state == {}
    context = _context(tmp_path, FakeFaultInjector(), FaultSpec("grey", "detect"))
    fault_control.inject(context, "detect")
    context.platform.fail = 99
    with pytest.raises(RunFailure, match="Not healed: grey@detect: not now"):
        fault_control.heal(context)


def test_full_disk_prevents_no_fault_from_being_healed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    context = _context(tmp_path, FakeFaultInjector(), FaultSpec("blackout"), FaultSpec("lag"))
    fault_control.inject(context, "inject")

    def fill(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(context.journal, "append", fill)
    with pytest.raises(RunFailure, match=r"Not healed: lag@inject: .*No space left on device; blackout@inject: "):
        fault_control.heal(context)
    assert context.platform.state == {}


@pytest.mark.parametrize(
    ("other", "kept"), [("lag", {}), ("grey", {}), ("throttle", {}), ("blackout", {f"down {EAST}": True})]
)
def test_destroyed_region_is_never_healed_and_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str, kept: dict[str, bool]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    context = _context(tmp_path, FakeFaultInjector(), FaultSpec(other), FaultSpec("destroy"))
    fault_control.inject(context, "inject")
    assert fault_control.is_final(context.journal)
    fault_control.heal(context)
    assert context.platform.state == {f"destroyed {EAST}": True} | kept
    assert fault_control.active_faults(context.journal) == ["destroy"]


def _sample(region: str, **more: Any) -> Sample:  # noqa: ANN401 - any field
    return Sample(seconds=0.0, region=region, **more)


def test_unexplained_dead_letter_stops_the_drill(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    stops = StopConditions(journal, (EAST, WEST))
    stops.check({EAST: _sample(EAST, dead_letters=5)})
    journal.state("baseline", "dead_letters_before", {EAST: 5, WEST: 0})
    stops.check({EAST: _sample(EAST, dead_letters=5), WEST: _sample(WEST, dead_letters=None)})
    with pytest.raises(Stop, match="holds 6 messages; 5 were there or injected"):
        stops.check({EAST: _sample(EAST, dead_letters=6)})
    journal.state("baseline", "flooded", 200)
    stops.check({EAST: _sample(EAST, dead_letters=205)})
    with pytest.raises(Stop, match="holds 206 messages"):
        stops.check({EAST: _sample(EAST, dead_letters=206)})


def test_replication_that_falls_behind_for_no_reason_stops_the_drill(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    stops = StopConditions(journal, (EAST, WEST))
    for lag in range(60):
        stops.check({WEST: _sample(WEST, replication_lag=float(lag))})
    stops.check({WEST: _sample(WEST, replication_lag=60.0)})
    with pytest.raises(Stop, match="us-west-2 is 61 s behind"):
        stops.check({WEST: _sample(WEST, replication_lag=61.0)})


def test_replication_that_a_fault_stops_does_not_stop_the_drill(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("inject", "fault injecting", fault="partition@inject", name="partition")
    stops = StopConditions(journal, (EAST, WEST))
    for lag in range(100):
        stops.check({WEST: _sample(WEST, replication_lag=float(lag))})


@pytest.mark.parametrize(
    ("early", "states", "asked", "noted"),
    [
        (None, ["OK"], 1, None),
        (None, [], 1, None),
        (None, ["ALARM", "INSUFFICIENT_DATA", "OK"], 3, None),
        (None, ["ALARM"] * 4, 4, "is not OK before the fault: ALARM; "),
        ("lag", ["ALARM", "OK"], 2, None),
        ("permission", ["OK"], 1, None),
        ("permission", ["ALARM", "OK"], 1, "is not OK before the fault: ALARM, because of permission; "),
        ("grey", ["ALARM", "OK"], 1, "is not OK before the fault: ALARM, because of grey; "),
    ],
)
def test_fault_waits_for_the_alarm_that_the_drill_times(
    tmp_path: Path, early: str | None, states: list[str], asked: int, noted: str | None
) -> None:
    left, notes = iter(states), list[str]()

    def describe(AlarmNames: list[str]) -> dict[str, Any]:  # noqa: N803 - as boto3
        assert AlarmNames == ["acme-peer-unhealthy"]
        calls.append(1)
        return {"MetricAlarms": [{"StateValue": one} for one in [next(left, "")] if one]}

    calls: list[int] = []
    client = SimpleNamespace(describe_alarms=describe)
    context: Any = SimpleNamespace(
        plan=Plan(drill_id="20260101T000000Z-abcdef", faults=(FaultSpec("blackout", "inject"),)),
        journal=Journal(tmp_path / "j"),
        target=SimpleNamespace(name_of=lambda name: f"acme-{name}", fail_fast_client=lambda *_: client),
        waiting=lambda _: range(4),
        say=lambda _: None,
        note=lambda what, **_: notes.append(what),
    )
    if early:
        context.journal.append("load", "fault injecting", fault=early, name=early)
    for phase in ("load", "inject"):
        fault_control.await_alarm(context, phase)
    assert (len(calls), len(notes)) == (asked, int(noted is not None))
    assert (noted or "") in "".join(notes)
