"""Test Ctrl-C, `kill`, a closed terminal and `kill -9` through nox, during the end-to-end run and a drill."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from drill.folder import DrillFolder
from drill.journal import Entry, read
from drill.model import DrillReport, Verdict
from drill.targets import supervisor
from integration_tests.interrupts.nox_on_a_terminal import AFTER_CLOSED_TERMINAL, Nox
from local_cloud.testbed.run_folder import WORK

Act = Callable[[Nox], None]


def press_twice(nox: Nox) -> None:
    """Press Ctrl-C, and again after the first one was noticed."""
    nox.press_ctrl_c()
    nox.wait_for("^C")
    nox.press_ctrl_c()


def close(nox: Nox) -> None:
    """Close the terminal's window."""
    nox.close_terminal()


def terminate(nox: Nox) -> None:
    """Send SIGTERM to nox."""
    nox.send(signal.SIGTERM)


def kill(nox: Nox) -> None:
    """Send SIGKILL to nox."""
    nox.send(signal.SIGKILL)


ACTS: dict[str, Act] = {
    "ctrl_c": Nox.press_ctrl_c,
    "ctrl_c_twice": press_twice,
    "terminal_closed": close,
    "terminated": terminate,
    "killed": kill,
}
STATUSES = {"killed": {-signal.SIGKILL}, "terminal_closed": AFTER_CLOSED_TERMINAL}


@pytest.mark.parametrize(
    ("moment", "act"),
    [
        ("start the local cloud", "ctrl_c"),
        ("synthesize both regions", "ctrl_c_twice"),
        ("cdk deploy --all", "ctrl_c"),
        ("cdk deploy --all", "killed"),
        ("tests/e2e/test_", "ctrl_c"),
        ("tests/e2e/test_", "terminated"),
        ("tests/e2e/test_", "terminal_closed"),
    ],
)
def test_end_to_end_run_interrupted_leaves_nothing(tmp_path: Path, moment: str, act: str) -> None:
    before = set(WORK.glob("*"))
    with Nox(tmp_path, "e2e") as nox:
        nox.wait_for(moment)
        ACTS[act](nox)
        status = nox.end()
        assert status in STATUSES.get(act, {130})
        if act in {"ctrl_c", "terminated"}:
            assert "everything that this run started was stopped" in nox.text
            assert "Traceback" not in nox.text
        if act == "killed":
            nox.run_another_session()
        nox.assert_nothing_is_left()
    made = set(WORK.glob("*")) - before
    assert len(made) <= 1
    _assert_small(made)


@pytest.mark.parametrize(
    ("phase", "act"),
    [
        ("preflight", "ctrl_c"),
        ("preflight", "killed"),
        ("load", "ctrl_c_twice"),
        ("detect", "ctrl_c"),
        ("detect", "ctrl_c_twice"),
        ("detect", "terminated"),
        ("detect", "terminal_closed"),
        ("detect", "killed"),
        ("reconcile", "ctrl_c"),
        ("verify", "ctrl_c"),
        ("report", "ctrl_c_twice"),
    ],
)
def test_drill_interrupted_heals_reports_and_leaves_nothing(tmp_path: Path, phase: str, act: str) -> None:
    before = set(supervisor.WORK.glob("*"))
    with Nox(tmp_path, "drill", "--objects", "8") as nox:
        nox.wait_for(lambda: _has_begun(nox.drills, phase))
        ACTS[act](nox)
        status = nox.end()
        nox.wait_for(lambda: any(one.event == "drill ended" for one in _entries(nox.drills)))
        if act == "killed":
            nox.run_another_session()
        nox.assert_nothing_is_left()
    assert status in STATUSES.get(act, {130})
    (folder,) = (DrillFolder(one) for one in tmp_path.glob("drills/2*"))
    report = DrillReport.model_validate_json((folder.path / "report.json").read_text("utf-8"))
    assert report.verdict is Verdict.FAILED or phase == "report"
    assert all(one.healed_at is not None for one in report.faults if one.injected_at is not None)
    assert supervisor.attach(folder) is None
    _assert_small(set(supervisor.WORK.glob("*")) - before)
    if act in {"ctrl_c", "terminated"}:
        assert nox.text.count("was interrupted:") == 1
        assert "Traceback" not in nox.text


def _assert_small(runs: set[Path]) -> None:
    """Return the large things in run folders: the cloud's files, temporary files, the functions' code and evidence."""
    sizes = {str(file): file.stat().st_size for run in runs for file in run.rglob("*") if file.is_file()}
    assert sum(sizes.values()) < 10_000_000, sorted(sizes.items(), key=lambda one: -one[1])[:10]
    assert not [run for run in runs for name in ("cloud", "tmp") if (run / name).exists()]


def _has_begun(drills: Path, phase: str) -> bool:
    return any(one.phase == phase and one.event == "phase began" for one in _entries(drills))


def _entries(drills: Path) -> list[Entry]:
    contents = [file.read_bytes() for file in drills.glob("2*/journal.jsonl")]
    return [entry for content in contents for entry in read(content[: content.rfind(b"\n") + 1])]
