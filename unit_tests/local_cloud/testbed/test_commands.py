"""Test the programs that a run starts, which end with it, and the folder of the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_cloud.testbed.commands import Commands
from local_cloud.testbed.run_folder import RunFolder
from operations.errors import RunFailure

_PARENT_AND_CHILD = """
import pathlib, signal, subprocess, sys, time
{first}
child = subprocess.Popen([sys.executable, "-c", "import signal, time; {first}; time.sleep(60)"])
pathlib.Path("ids").write_text(f"{{__import__('os').getpid()}} {{child.pid}}")
print("ready", flush=True)
time.sleep(60)
"""
_DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def _run(commands: Commands, tmp_path: Path, program: str, **further: Callable[[str], None]) -> None:
    commands.run_logged(
        [sys.executable, "-c", program],
        what="The program",
        log=tmp_path / "logs" / "program.log",
        cwd=tmp_path,
        env=dict(os.environ),
        hint="Fix it.",
        **further,
    )


def test_its_output_is_logged_and_followed(tmp_path: Path) -> None:
    lines: list[str] = []
    with Commands() as commands:
        _run(commands, tmp_path, "print('one'); print('two')", each_line=lines.append)
    assert lines == ["one", "two"]
    assert (tmp_path / "logs" / "program.log").read_text() == "one\ntwo\n"


def test_failure_reports_status_log_and_the_end_of_the_log(tmp_path: Path) -> None:
    program = "import sys\nfor n in range(100): print('line', n)\nsys.exit(3)"
    with Commands() as commands, pytest.raises(RunFailure, match="The program ended with status 3") as failed:
        _run(commands, tmp_path, program)
    assert failed.value.log == tmp_path / "logs" / "program.log"
    assert failed.value.hint == "Fix it."
    assert failed.value.tail.splitlines()[-1] == "line 99"
    assert len(failed.value.tail.splitlines()) == 30


@pytest.mark.parametrize("first", ["pass", _DEAF], ids=["polite", "deaf to SIGTERM"])
def test_running_program_is_stopped_with_its_children(tmp_path: Path, first: str) -> None:
    ready = threading.Event()
    failures: list[RunFailure] = []

    def work(commands: Commands) -> None:
        try:
            _run(commands, tmp_path, _PARENT_AND_CHILD.format(first=first), each_line=lambda _: ready.set())
        except RunFailure as failure:
            failures.append(failure)

    with Commands() as commands:
        thread = threading.Thread(target=work, args=(commands,))
        thread.start()
        assert ready.wait(30)
    thread.join(30)
    assert not thread.is_alive()
    assert len(failures) == 1
    ids = [int(one) for one in (tmp_path / "ids").read_text().split()]
    assert _gone(ids), f"still running: {ids}"


def test_command_interrupted_while_it_starts_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    start = subprocess.Popen

    def interrupted(*arguments: Any, **named: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - Popen's own
        started.append(start(*arguments, **named))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt), Commands() as commands:
        commands.run_shown([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env=os.environ)
    assert started[0].returncode == -signal.SIGTERM


def test_stopped_commands_start_nothing(tmp_path: Path) -> None:
    commands = Commands()
    commands.stop()
    with pytest.raises(RunFailure, match="being stopped"):
        _run(commands, tmp_path, "open('begun', 'w')")
    assert not (tmp_path / "begun").exists()


def _gone(ids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(_runs(one) for one in ids):
            return True
        time.sleep(0.05)
    return False


def _runs(process_id: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc").exists()
    return status.rsplit(")", 1)[-1].split()[0] != "Z"


def _old(work: Path, name: str, process_id: int) -> Path:
    folder = work / name
    folder.mkdir(parents=True)
    (folder / "process_id").write_text(str(process_id))
    return folder


def test_old_folders_go_but_for_the_newest_and_those_under_way(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        gone = [_old(tmp_path, f"2025010{day}-a", ended.pid) for day in (1, 2)]
        kept = [_old(tmp_path, "20250100-a", running.pid), *(_old(tmp_path, f"2025020{day}-a", ended.pid) for day in (1, 2))]
        made = RunFolder.make(tmp_path)
        assert not any(one.exists() for one in gone)
        assert all(one.exists() for one in [*kept, made.path])


def _with_everything(folder: RunFolder) -> set[str]:
    """Write the files of a run; return those that are kept."""
    for name in (
        "tmp/left",
        "cloud/local-cloud-1/s3/object",
        "cdk.out/asset.1/code.py",
        "cdk.out/asset.2.zip",
        "cdk.out/.cache/1.zip",
    ):
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("large")
    stays = {"cdk.out/manifest.json", "logs/deploy.log", "process_id"}
    for name in stays:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).touch()
    return stays


def _files(folder: RunFolder) -> set[str]:
    return {str(one.relative_to(folder.path)) for one in folder.path.rglob("*") if one.is_file()}


def test_tidy_removes_what_is_large_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = RunFolder.make(tmp_path)
    stays = _with_everything(folder)
    for _ in range(2):
        folder.tidy()
    assert _files(folder) == stays
    assert {one.name for one in folder.path.iterdir()} == {"cdk.out", "logs", "process_id"}


def test_new_run_tidies_one_that_was_killed_and_none_that_runs(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed, running = (RunFolder(tmp_path / name, name) for name in ("20250101-a", "20250102-a"))
    stays, all_of_it = _with_everything(killed), _with_everything(running) and _files(running)
    (killed.path / "process_id").write_text(str(ended.pid))
    (running.path / "process_id").write_text(str(os.getpid()))
    RunFolder.make(tmp_path)
    assert _files(killed) == stays
    assert _files(running) == all_of_it
