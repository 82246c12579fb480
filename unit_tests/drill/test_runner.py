"""Test the runner: each phase runs once, a resume does the rest, and every end rolls back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from drill import runner
from drill.context import Context
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.model import DrillReport, Proof, Verdict
from drill.phases import Phase
from drill.plan import Plan
from drill.stops import Stop
from operations.errors import RunFailure
from operations.guard import GuardViolation
from unit_tests.fixtures.examples import examples

NAMES = ("preflight", "load", "switch", "failback")


class Killed(BaseException):
    """Raised in place of kill -9; only the test catches it."""


class FakePlatform:
    """A fake platform that records calls and kills the drill at a given call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.done: list[str] = []
        self.rolled_back = 0
        self.stopped = 0
        self.proved = 0
        self.epoch = 4
        self.at_least: list[int] = []
        self.left: Callable[[], Proof] = lambda: Proof(
            at="now", sources=(), objects=9, equal=False, lost=2, duplicated=0, divergent=0
        )
        self.at: dict[str, Callable[[], None]] = {}
        self.folder = DrillFolder(folder / "20260101T000000Z-abcdef")
        phases = tuple(Phase(name, name, self._phase(name), is_failover=name == "switch") for name in NAMES)
        monkeypatch.setattr(runner, "ALL", phases)
        target = SimpleNamespace(
            primary="us-east-1", secondary="us-west-2", regions=("us-east-1", "us-west-2"), account="1" * 12
        )
        sampler = SimpleNamespace(look_only_at=lambda _: None)
        monkeypatch.setattr(Context, "open", lambda *_, **__: None)
        monkeypatch.setattr(Context, "close", lambda _: None)
        monkeypatch.setattr(Context, "can_open", True)
        monkeypatch.setattr(Context, "is_open", True)
        monkeypatch.setattr(Context, "target", target)
        monkeypatch.setattr(Context, "sampler", sampler)
        monkeypatch.setattr("drill.reporting._revision", lambda: None)
        monkeypatch.setattr("drill.rpo.measure", lambda _: {"durable": None, "accepted": None})
        monkeypatch.setattr("drill.proving.undo_damage", lambda _: None)
        monkeypatch.setattr("drill.proving.prove_what_is_left", self._prove)
        monkeypatch.setattr(Context, "sender", SimpleNamespace(receipts=lambda: ["a receipt"]))
        monkeypatch.setattr(Context, "say", lambda *_: None, raising=False)
        register = SimpleNamespace(
            promote=self._promote, claims=lambda: {"us-west-2": 3}, standing=lambda: SimpleNamespace(epoch=self.epoch)
        )
        monkeypatch.setattr(runner, "Register", lambda *_: register)
        monkeypatch.setattr("drill.targets.supervisor.stop", self.stop)
        monkeypatch.setattr("drill.reports.write", lambda *_, **__: [])

    def begin(self) -> None:
        # A pytest worker is often older than the promised length of a drill.
        runner.begin(Plan(drill_id=self.folder.path.name, faults=()), self.folder, command_at=time.time())

    def resume(self) -> DrillReport:
        return runner.resume(self.folder, Console(quiet=True))

    def _phase(self, name: str) -> Callable[[Any], str]:
        def run(_: Any) -> str:  # noqa: ANN401 - a context
            self.at.pop(name, lambda: None)()
            self.done.append(name)
            return "done"

        return run

    def _promote(self, *, at_least: int) -> Any:  # noqa: ANN401 - a promotion
        self.rolled_back += 1
        self.at_least.append(at_least)
        return SimpleNamespace(already=True)

    def _prove(self, context: Context) -> Proof:
        assert self.rolled_back, "the drill is rolled back before what is left is proved"
        self.proved += 1
        proof = self.left()
        context.journal.state(context.phase, "proof", proof.model_dump(mode="json"))
        return proof

    def stop(self, _: DrillFolder) -> None:
        self.stopped += 1


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePlatform:
    """A fake platform that injects every fault."""
    made = FakePlatform(monkeypatch, tmp_path)
    made.begin()
    return made


def _raise(error: BaseException) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


def test_thread_that_fails_after_the_last_phase_fails_the_drill(
    monkeypatch: pytest.MonkeyPatch, platform: FakePlatform
) -> None:
    failed: list[str] = []
    platform.at[NAMES[-1]] = lambda: failed.append("The drill's thread 'sampler' has ended.")
    monkeypatch.setattr(Context, "failures", lambda _: [failed.pop()] if failed else [])
    report = platform.resume()
    assert (report.verdict, "The drill's thread 'sampler' has ended." in report.reasons) == (Verdict.FAILED, True)


def test_phases_run_once_and_the_cloud_is_stopped(platform: FakePlatform) -> None:
    report = platform.resume()
    assert platform.done == list(NAMES)
    assert (platform.rolled_back, platform.stopped, platform.proved) == (1, 1, 0)
    assert runner.is_ended(Journal(platform.folder.journal))
    assert {one.name for one in report.phases if one.status == "done"} == {*NAMES, "report"}
    # Nothing was proved by phases that do nothing.
    assert report.verdict is Verdict.VOID


@pytest.mark.parametrize(
    "error", [RunFailure("no", hint="do this"), GuardViolation("us-east-1 was called"), OSError("gone")]
)
def test_failed_phase_ends_the_drill_with_a_rollback(platform: FakePlatform, error: Exception) -> None:
    platform.at["switch"] = _raise(error)
    report = platform.resume()
    assert platform.done == ["preflight", "load"]
    assert (platform.rolled_back, platform.stopped, platform.proved) == (1, 1, 1)
    assert report.verdict is Verdict.FAILED
    assert str(error) in " ".join(report.reasons)
    assert (report.lost, report.reasons[0]) == (2, "2 objects lost")
    states = {one.name: one.status for one in report.phases}
    assert (states["load"], states["switch"], states["failback"]) == ("done", "failed", "not begun")


@pytest.mark.parametrize("error", [RunFailure("gone"), OSError("gone")])
def test_stopped_drill_without_a_proof_is_still_reported(platform: FakePlatform, error: Exception) -> None:
    platform.at["switch"] = _raise(Stop("no further"))
    platform.left = cast("Callable[[], Proof]", _raise(error))
    report = platform.resume()
    assert report.verdict is Verdict.FAILED
    assert {"no further", "nothing was proved"} <= set(report.reasons)
    assert any("nothing could be proved after the drill was stopped: gone" in one.what for one in report.timeline)


def test_ctrl_c_during_the_last_proof_still_writes_the_report(platform: FakePlatform) -> None:
    platform.at["switch"] = _raise(Stop("no further"))
    platform.left = cast("Callable[[], Proof]", _raise(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        platform.resume()
    assert runner.is_ended(Journal(platform.folder.journal))
    assert platform.stopped == 1


def test_ctrl_c_is_reported_and_comes_up_after_all_was_put_back(platform: FakePlatform) -> None:
    platform.at["load"] = _raise(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        platform.resume()
    assert (platform.rolled_back, platform.stopped, platform.proved) == (1, 1, 0)
    assert runner.is_ended(Journal(platform.folder.journal))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "moment", ["drill.proving.undo_damage", "drill.rpo.measure", "drill.reports.write", "drill.targets.supervisor.stop"]
)
def test_drill_interrupted_at_its_end_concludes_first(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, moment: str, number: signal.Signals
) -> None:
    does = {"drill.rpo.measure": {"durable": None, "accepted": None}, "drill.reports.write": []}
    stop = platform.stop

    def interrupted(folder: Any, *_: object, **__: object) -> Any:  # noqa: ANN401 - of several functions
        signal.raise_signal(number)
        signal.raise_signal(number)
        if moment == "drill.targets.supervisor.stop":
            stop(folder)
        return does.get(moment)

    monkeypatch.setattr(moment, interrupted)
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(KeyboardInterrupt):
            platform.resume()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert platform.done == list(NAMES)
    assert (platform.rolled_back, platform.stopped) == (1, 1)
    assert runner.is_ended(Journal(platform.folder.journal))


@pytest.mark.parametrize(("mode", "has_ended"), [("local", True), ("live", False)])
def test_live_drill_with_an_active_fault_has_not_ended(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch, mode: str, *, has_ended: bool
) -> None:
    platform.folder.journal.unlink()
    runner.begin(Plan(drill_id=platform.folder.path.name, faults=(), mode=mode), platform.folder, command_at=time.time())
    Journal(platform.folder.journal).append("inject", "fault injecting", fault="blackout@inject", name="blackout")
    monkeypatch.setattr("drill.fault_control.heal", lambda _: None)

    platform.resume()

    assert runner.is_ended(Journal(platform.folder.journal)) is has_ended


def test_drill_that_was_only_planned_has_not_begun(platform: FakePlatform) -> None:
    assert not runner.has_begun(Journal(platform.folder.journal))
    platform.resume()
    assert runner.has_begun(Journal(platform.folder.journal))


@pytest.mark.parametrize(("epoch", "at_least"), [(4, 0), (3, 0), (2, 4), (0, 4)])
def test_rollback_claims_above_what_the_primary_has_not_received_yet(
    platform: FakePlatform, epoch: int, at_least: int
) -> None:
    platform.epoch = epoch
    platform.resume()
    assert platform.at_least == [at_least]


def test_rollback_step_that_fails_prevents_no_other(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drill.proving.undo_damage", lambda _: _raise(OSError("No space left"))())
    monkeypatch.setattr("drill.fault_control.heal", lambda _: _raise(RunFailure("Not healed: a"))())
    report = platform.resume()
    assert platform.rolled_back == 1
    assert any("not rolled back: Not healed: a; The disk, or the place" in reason for reason in report.reasons)


def test_rollback_of_a_destroyed_region_promotes_nothing(platform: FakePlatform) -> None:
    Journal(platform.folder.journal).append("inject", "fault injecting", fault="destroy@inject", name="destroy")
    platform.resume()
    assert (platform.rolled_back, platform.stopped) == (0, 1)


def test_aborted_drill_begins_no_phase(platform: FakePlatform) -> None:
    report = runner.resume(platform.folder, Console(quiet=True), abort="enough")
    assert (platform.done, platform.rolled_back, platform.stopped) == ([], 1, 1)
    assert (report.verdict, "enough" in report.reasons) == (Verdict.FAILED, True)


@pytest.mark.property
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.lists(st.sampled_from(NAMES), max_size=4))
def test_killed_drill_does_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, kills: list[str]
) -> None:
    platform = FakePlatform(monkeypatch, tmp_path_factory.mktemp("drill"))
    platform.begin()
    # kill -9 runs no `finally`; here the rollback would, and in a real kill it does not.
    monkeypatch.setattr(runner, "_roll_back", lambda *_: None)
    for name in kills:
        if name in platform.done:
            continue
        platform.at = {name: _raise(Killed())}
        with pytest.raises(Killed):
            platform.resume()
    platform.at = {}
    report = platform.resume()
    assert platform.done == list(NAMES)
    resumed = {one.name: one.resumed for one in report.phases if one.resumed}
    killed = {name for name in kills if name in resumed}
    assert set(resumed) == killed
