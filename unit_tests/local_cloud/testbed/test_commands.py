"""Test the programs that a run starts: none outlives it, and the error of a failed one names its log."""

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
