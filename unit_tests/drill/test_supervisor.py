"""Test whether a supervisor still runs, which its process id alone does not show."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drill.folder import DrillFolder
from drill.plan import Plan
from drill.targets import supervisor

SUPERVISOR = b"python\0-m\0drill.targets.supervisor\0--folder\0x\0"


@pytest.mark.parametrize(
    ("stat", "cmdline", "expected"),
    [
        ("7 (python) S 1 7", SUPERVISOR, True),
        ("7 (python) R 1 7", b"", True),
        ("7 (python) Z 1 7", b"", False),
        ("7 (a ) Z b) S 1 7", SUPERVISOR, True),
        ("7 (vim) S 1 7", b"vim\0supervisor.py\0", False),
        ("", SUPERVISOR, False),
    ],
)
def test_process_is_the_supervisor_by_state_and_name(
    tmp_path: Path,
    stat: str,
    cmdline: bytes,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    (tmp_path / "stat").write_text(stat, "utf-8")
    (tmp_path / "cmdline").write_bytes(cmdline)
    assert supervisor._is_supervisor(tmp_path) is expected  # noqa: SLF001 - what the rest stands on


def test_ended_process_is_not_the_supervisor(tmp_path: Path) -> None:
    assert supervisor._is_supervisor(tmp_path / "7") is False  # noqa: SLF001 - likewise


def test_interrupted_start_of_a_supervisor_notes_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", interrupted_start)
    with pytest.raises(KeyboardInterrupt):
        supervisor._spawn(DrillFolder(tmp_path), Plan(drill_id="20260101T000000Z-abcdef"))  # noqa: SLF001 - likewise
    assert (tmp_path / "supervisor.pid").read_text("utf-8") == "7"


def interrupted_start(*_: object, **__: object) -> SimpleNamespace:
    """Start nothing, and press Ctrl-C meanwhile."""
    signal.raise_signal(signal.SIGINT)
    return SimpleNamespace(pid=7)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("deployed\nended: The local cloud's server died.\n", "The local cloud's server died."),
        ("deployed\n", "The process that holds the local cloud was killed."),
        ("", "The process that holds the local cloud was killed."),
    ],
)
def test_reason_for_the_end_is_in_the_log_or_it_was_killed(tmp_path: Path, log: str, expected: str) -> None:
    holder, folder = DrillFolder(tmp_path / "holder"), DrillFolder(tmp_path / "drill")
    for one in (holder, folder):
        one.path.mkdir()
    holder.supervisor_log.write_text(log, "utf-8")
    supervisor.lend(holder, folder)
    assert supervisor.why_ended(folder) == expected


def test_new_cloud_stops_those_of_killed_drills_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("drill/killed", "drill/running", "drill/ended", "drill-self-test/killed", "other/killed")
    folders = {name: DrillFolder(tmp_path / name) for name in names}
    for one in folders.values():
        one.path.mkdir(parents=True)
        (one.path / "supervisor.pid").write_text("7", "utf-8")
    stopped: list[Path] = []
    monkeypatch.setattr(supervisor, "ROOT", tmp_path / "drill")
    monkeypatch.setattr(supervisor, "_running", lambda folder: 0 if folder.path.name == "ended" else 7)
    monkeypatch.setattr(supervisor, "stop", lambda folder: stopped.append(folder.path))
    with folders["drill/running"].held():
        supervisor._stop_abandoned(lambda _: None)  # noqa: SLF001 - what the start of a cloud does first
    assert stopped == [tmp_path / "drill" / "killed", tmp_path / "drill-self-test" / "killed"]


@pytest.mark.parametrize("runs", [True, False])
def test_deployment_of_a_lost_cloud_is_read_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: bool,  # noqa: FBT001 - a table's column
) -> None:
    folder = DrillFolder(tmp_path)
    folder.deployment.write_text("{}", "utf-8")
    target: Any = None
    ready = supervisor.Supervisor(7, target)
    monkeypatch.setattr(supervisor, "_running", lambda _: 7 if runs else 0)
    monkeypatch.setattr(supervisor, "_spawn", lambda *_: None)
    monkeypatch.setattr(supervisor, "attach", lambda _: ready)
    assert supervisor.ensure(folder, Plan(drill_id="20260101T000000Z-abcdef"), lambda _: None) is ready
    assert folder.deployment.exists() is runs
