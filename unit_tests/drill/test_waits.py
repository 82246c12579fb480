"""Test that each wait of the drill that ends without its condition names what it waited for and what was there."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill import proving, runner, stations
from drill.folder import DrillFolder
from drill.phases import failback
from drill.processes import Process
from drill.proof import controls
from drill.stations import Stations
from drill.stops import Stop
from drill.targets import supervisor
from local_cloud import server_process
from operations.errors import RunFailure

EAST, WEST = REGIONS = ("us-east-1", "us-west-2")


def _context() -> Any:  # noqa: ANN401 - what a phase is given
    notes: list[str] = []
    return SimpleNamespace(
        deployment=None,
        target=SimpleNamespace(regions=REGIONS, primary=EAST, secondary=WEST),
        watch=SimpleNamespace(look=lambda *_, **__: SimpleNamespace(pending=3)),
        sender=SimpleNamespace(send=lambda *_: None),
        journal=SimpleNamespace(mark=lambda *_: None, entries=[], of=lambda _: []),
        plan=SimpleNamespace(seed=1, source="drill-abcdef"),
        items=[],
        phase="failback",
        on_event=None,
        waiting=lambda _: [None] * 2,
        say=lambda _: None,
        note=lambda what, **_: notes.append(what),
        notes=notes,
    )


def _go_back(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setattr(failback, "reasons_against", lambda _: [])
    promoted = SimpleNamespace(promote=lambda: SimpleNamespace(epoch=4), active=lambda: WEST)
    monkeypatch.setattr(failback, "Register", lambda *_: promoted)
    failback._go_back(context)  # noqa: SLF001 - a part of a phase


def _repair(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setattr(controls, "is_repaired", lambda *_: False)
    injected: Any = SimpleNamespace(all_object_ids=("a", "b"))
    proving._wait_for_repair(context, injected)  # noqa: SLF001 - likewise


def _provide(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setattr(proving, "Ledger", lambda *_: None)
    proving._provide_objects(context)  # noqa: SLF001 - likewise


@pytest.mark.parametrize(
    ("wait", "reported"),
    [
        (_go_back, "us-west-2 still shows us-west-2 as active .* after us-east-1 claimed epoch 4"),
        (_repair, "negative controls are not repaired .*: a, b"),
        (_provide, "6 results of the 10 files for the negative controls are missing"),
    ],
)
def test_wait_of_a_phase_without_its_condition_stops_the_drill(
    wait: Any,  # noqa: ANN401 - a table's column
    reported: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Stop, match=reported):
        wait(_context(), monkeypatch)


@pytest.mark.parametrize(
    ("fault", "last", "reported"),
    [
        (None, 0, "after 40 s 0 of 5 results in us-east-1"),
        ("throttle", 0, "after 10 s 0 of 5 results in us-east-1; during throttle the rest may never come"),
        ("throttle", 3, "after 34 s 3 of 5 results in us-east-1; during throttle the rest may never come"),
        ("throttle", 4, "after 40 s 4 of 5 results in us-east-1; during throttle the rest may never come"),
        ("throttle", 5, None),
    ],
)
def test_wait_for_stations_ends_when_no_more_come_and_is_noted(
    fault: str | None, last: int, reported: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more of the five comes every 8 seconds, until the last one."""
    context, now = _context(), itertools.count()
    context.wave = lambda _: []
    monkeypatch.setattr("drill.fault_control.active_faults", lambda _: [fault] if fault else [])
    clock = SimpleNamespace(seconds=next(now))
    monkeypatch.setattr(
        stations,
        "time",
        SimpleNamespace(monotonic=lambda: clock.seconds, sleep=lambda _: setattr(clock, "seconds", next(now))),
    )
    wait = Stations(context)._wait  # noqa: SLF001 - a part of a phase
    wait("results in us-east-1", 5, lambda: min(clock.seconds // 8, last))
    wait("large files", 1, lambda: 0)
    seconds = 3 if fault and reported else 10 if fault else 40
    then = f"after {seconds} s 0 of 1 large files" + ("; during throttle the rest may never come" if fault else "")
    text = "the fault comes without all objects at their stations: "
    assert context.notes == [text + one for one in (reported, then) if one]


@pytest.fixture
def immortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrillFolder:
    """The folder of a supervisor that ends, with a worker that does not."""
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "_running", lambda _: 0 if killed else 7)
    monkeypatch.setattr(supervisor, "descendants", lambda _: {Process(7, 1), Process(8, 1)})
    monkeypatch.setattr(supervisor, "is_running", lambda one: one.process_id == 8)
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda *_: killed.append(1))
    return DrillFolder(tmp_path)


def test_stop_of_a_cloud_names_the_processes_that_are_left(immortal: DrillFolder) -> None:
    with pytest.raises(RunFailure, match=r"1 processes of the local cloud still run .*: 8") as raised:
        supervisor.stop(immortal)
    assert raised.value.hint == "End them: kill -KILL 8"


def test_drill_whose_cloud_does_not_end_is_reported_as_failed(immortal: DrillFolder) -> None:
    failures: list[str] = []
    context = _context()
    context.folder, context.is_open = immortal, False
    context.journal.append = lambda _phase, _event, why: failures.append(why)
    context.journal.mark = lambda *_: pytest.fail("its end was not seen, so it has no time")
    runner._end_cloud(context)  # noqa: SLF001 - the end of each drill
    assert "1 processes of the local cloud still run" in failures[0]


def test_folder_that_cannot_be_removed_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(server_process, "_REMOVAL", server_process._REMOVAL.replace("sleep(0.1)", "sleep(0)"))  # noqa: SLF001
    server_process.remove_folder(Path("/proc/self/fdinfo"))
    assert "/proc/self/fdinfo could not be removed in 10 s. Type: rm -r /proc/self/fdinfo" in capfd.readouterr().err
