"""Test killed, interrupted and abandoned drills: each ends in a correct report and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drill.folder import CHECKOUT, ROOT_VARIABLE, DrillFolder
from drill.journal import read
from drill.model import DrillReport, Verdict
from drill.targets import supervisor
from operations.target import Target

_WITHIN_SECONDS = 900


class Drills:
    """Starts drills in separate processes, in a separate folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._environment = {**os.environ, ROOT_VARIABLE: str(root)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "drill", *arguments],
            cwd=CHECKOUT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def folder(self) -> DrillFolder:
        """The folder of the only drill that has begun."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [one for one in self.root.glob("2*") if (one / "journal.jsonl").exists()]
            if found:
                return DrillFolder(found[0])
            time.sleep(0.2)
        raise AssertionError("no drill was begun")

    def wait_for(self, process: subprocess.Popen[str], phase: str, event: str = "phase began") -> None:
        file = self.folder().journal
        deadline = time.monotonic() + _WITHIN_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            content = file.read_bytes()
            entries = read(content[: content.rfind(b"\n") + 1])
            if any(one.phase == phase and one.event == event for one in entries):
                return
            time.sleep(0.1)
        raise AssertionError(f"{phase} was not reached: {process.communicate()[0]}")

    def report(self) -> DrillReport:
        return DrillReport.model_validate_json((self.folder().path / "report.json").read_text("utf-8"))


@pytest.fixture
def drills(tmp_path: Path) -> Iterator[Drills]:
    """A starter of drills; afterwards it ends every local cloud."""
    drills = Drills(tmp_path)
    yield drills
    for folder in tmp_path.glob("2*"):
        supervisor.stop(DrillFolder(folder))


def _end(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=_WITHIN_SECONDS)
    return process.returncode, output


def test_drill_killed_in_three_phases_ends_in_a_correct_report(drills: Drills) -> None:
    process = drills.start("run", "--objects", "20", "--fault", "grey", "--fault", "partition@failback")
    for phase in ("load", "measure", "reconcile"):
        drills.wait_for(process, phase)
        time.sleep(0.7)
        process.kill()
        process.communicate()
        process = drills.start("resume")
    code, output = _end(process)
    report = drills.report()
    assert report.verdict is not Verdict.VOID, output
    assert (report.lost, report.duplicated, report.divergent) == (0, 0, 0), output
    assert report.negative_controls.found == report.negative_controls.injected == 8, output
    assert {one.name: one.resumed for one in report.phases if one.resumed} == {"load": 1, "measure": 1, "reconcile": 1}
    # A duration that spans a kill is not measured, so the drill does not simply pass.
    assert report.verdict in {Verdict.NOT_ALL_MEASURED, Verdict.FAILED}
    assert code == (0 if report.verdict is Verdict.NOT_ALL_MEASURED else 1)
    # What may be late on a busy machine is late; nothing else may be wrong.
    late = [reason for reason in report.reasons if "the target is" in reason]
    assert len(late) == len(report.reasons) or report.verdict is Verdict.NOT_ALL_MEASURED, report.reasons
    assert supervisor.attach(drills.folder()) is None
    code, output = _end(drills.start("resume"))
    assert (code, "has ended" in output) == (2, True), output


def test_next_drill_stops_the_cloud_of_a_killed_one(drills: Drills) -> None:
    process = drills.start("run", "--objects", "4")
    drills.wait_for(process, "load")
    process.kill()
    process.communicate()
    killed = drills.folder()
    cloud = Path((killed.path / "supervisor.tmp").read_text("utf-8"))
    assert supervisor.attach(killed) is not None
    assert cloud.exists()
    process = drills.start("run", "--objects", "4")
    while (supervisor.attach(killed) is not None or cloud.exists()) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    code, output = _end(process)
    assert code == 130, output
    code, output = _end(drills.start("resume", killed.path.name))
    assert (code, "The local cloud of this drill has ended" in output) == (1, True), output


def test_ctrl_c_during_a_fault_puts_everything_right(drills: Drills) -> None:
    process = drills.start("run", "--objects", "8")
    drills.wait_for(process, "detect")
    process.send_signal(signal.SIGINT)
    code, output = _end(process)
    assert code == 130, output
    report = drills.report()
    assert report.verdict is Verdict.FAILED
    assert any("interrupted by Ctrl-C" in reason for reason in report.reasons)
    assert [one.healed_at is not None for one in report.faults] == [True]
    assert supervisor.attach(drills.folder()) is None


def test_drill_without_its_cloud_is_reported_as_failed(drills: Drills) -> None:
    process = drills.start("run", "--objects", "4")
    drills.wait_for(process, "load")
    process.kill()
    process.communicate()
    supervisor.stop(drills.folder())
    code, output = _end(drills.start("resume"))
    assert (code, "The local cloud of this drill has ended" in output) == (1, True), output
    assert _json(drills)["verdict"] == "failed"


def test_drill_whose_cloud_loses_its_files_names_it(drills: Drills) -> None:
    process = drills.start("run", "--objects", "20")
    drills.wait_for(process, "load")
    secret = Target.load(drills.folder().target).secret_file
    Path(str(secret)).unlink()
    code, output = _end(process)
    assert code == 1, output
    assert "The local cloud's server has lost its files: another program removed secret from" in output
    assert "Traceback" not in output
    assert _json(drills)["verdict"] == "failed"
    assert supervisor.attach(drills.folder()) is None


def test_dry_run_changes_nothing(drills: Drills) -> None:
    code, output = _end(drills.start("--dry-run", "--fault", "blackout", "--fault", "partition@failback"))
    assert (code, "replication stops" in output) == (0, True), output
    assert list(drills.root.iterdir()) == []


def _json(drills: Drills) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((drills.folder().path / "report.json").read_text("utf-8"))
    return held
