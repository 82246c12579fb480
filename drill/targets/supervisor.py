"""The supervisor: a separate process that runs the local cloud with the deployed platform, and outlives a killed drill.

The drill starts `python -m drill.targets.supervisor` in a new session. It ends on SIGTERM, or after a quarter of an hour
without a running drill.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from drill.folder import CHECKOUT, ROOT, DrillFolder
from drill.plan import Plan
from drill.processes import Process, descendants, is_running
from local_cloud import LocalCloudError
from local_cloud.server_process import remove_folder
from local_cloud.testbed.commands import Commands, last_lines
from local_cloud.testbed.local_platform import local_platform
from local_cloud.testbed.run_folder import RunFolder
from operations.command_line import end_like_ctrl_c_on, held_back
from operations.errors import Refused, RunFailure
from operations.settings_file import read_settings
from operations.target import Target
from reporting.progress import Steps

WORK: Final = CHECKOUT / ".build" / "drill"
"""Run folders of the drills' clouds. The newest few are kept, without their large files."""
ORPHANED_SECONDS: Final = 900.0
"""Seconds for which the cloud is kept without a running drill."""
_PROCESS_FILE: Final = "supervisor.pid"
_START_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 120.0
"""Seconds to wait for the end; far more than the removal of the cloud's files from a slow disk takes."""
_PAUSE: Final = 0.2
ENDED: Final = "ended: "
"""Begins the last line of the log of a supervisor that has ended by itself."""


@dataclass(frozen=True)
class Supervisor:
    """A supervisor that is ready."""

    process_id: int
    target: Target


def ensure(folder: DrillFolder, plan: Plan, say: Callable[[str], None]) -> Supervisor:
    """Return the drill's supervisor, and start one if there is none."""
    folder.alive.touch()
    if _lender(folder).exists():
        lent = attach(folder)
        if lent is None:
            raise RunFailure(f"{why_ended(folder)} This drill was to use it.", hint="Start the command again.")
        return lent
    if not _running(folder):
        # A new supervisor writes its own files; those of an older one describe a cloud that has ended.
        for of_the_old_one in (folder.supervisor, folder.target, folder.deployment):
            of_the_old_one.unlink(missing_ok=True)
        _stop_abandoned(say)
        _spawn(folder, plan)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (supervisor := attach(folder)) is not None:
            return supervisor
        if not _running(folder):
            raise RunFailure(
                "The platform could not be deployed to a local cloud.",
                log=folder.supervisor_log,
                tail=last_lines(folder.supervisor_log),
            )
        say(_last_line(folder.supervisor_log))
        time.sleep(_PAUSE)
    raise RunFailure(f"The local cloud was not ready within {_START_SECONDS:.0f} s.", log=folder.supervisor_log)


def _stop_abandoned(say: Callable[[str], None]) -> None:
    """Stop the clouds of drills, campaigns and self-tests that were killed: a new drill beside them would be slower."""
    for file in sorted(ROOT.parent.glob(f"{ROOT.name}*/*/{_PROCESS_FILE}")):
        folder = DrillFolder(file.parent)
        # The folder of a running one is locked.
        with contextlib.suppress(Refused, OSError):
            if _running(folder):
                with folder.held():
                    say(f"stop the local cloud of {folder.path.name}, which was killed")
                    stop(folder)


def lend(holder: DrillFolder, folder: DrillFolder) -> None:
    """Let a drill use the cloud of another folder, which does not end with that drill."""
    _lender(folder).write_text(str(holder.path), "utf-8")
    folder.alive.symlink_to(holder.alive)


def attach(folder: DrillFolder) -> Supervisor | None:
    """Return the drill's supervisor if it runs and is ready."""
    if _lender(folder).exists():
        return attach(DrillFolder(Path(_lender(folder).read_text("utf-8"))))
    if not folder.supervisor.exists() or not _running(folder):
        return None
    held = json.loads(folder.supervisor.read_text("utf-8"))
    return Supervisor(held["process_id"], Target.load(Path(held["target"])))


def stop(folder: DrillFolder) -> None:
    """Stop the drill's supervisor and its cloud, if they run; return when all their processes have ended.

    Raises:
        RunFailure: Some did not end.
    """
    if _lender(folder).exists():
        return
    process_id = _running(folder)
    # The cloud and the workers that run its functions are in sessions of their own; they end with the supervisor.
    family = descendants(process_id) if process_id else set()
    if process_id:
        os.kill(process_id, signal.SIGTERM)
    _wait_for_end(folder, family)
    if _running(folder):
        # Its cloud ends with it: that watches the process that started it.
        os.kill(process_id, signal.SIGKILL)
        _wait_for_end(folder, family)
    if _temporary_file(folder).exists():
        remove_folder(Path(_temporary_file(folder).read_text("utf-8")))
        _temporary_file(folder).unlink(missing_ok=True)
    if left := " ".join(str(one.process_id) for one in sorted(filter(is_running, family))):
        text = (
            f"{len(left.split())} processes of the local cloud still run {_STOP_SECONDS:.0f} s after it was stopped: {left}"
        )
        raise RunFailure(text, hint=f"End them: kill -KILL {left}")


def _wait_for_end(folder: DrillFolder, family: set[Process]) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while (_running(folder) or any(map(is_running, family))) and time.monotonic() < deadline:
        time.sleep(_PAUSE)


def main() -> None:
    """Deploy the platform, report it, and keep the cloud until SIGTERM or until no drill has run for 15 minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--plan", required=True, help="the plan, as JSON")
    arguments = parser.parse_args()
    end_like_ctrl_c_on(signal.SIGTERM)
    try:
        _keep(DrillFolder(arguments.folder), Plan.from_json(json.loads(arguments.plan)))
    except KeyboardInterrupt:
        sys.stdout.write(f"{ENDED}The local cloud was stopped.\n")
    except RunFailure as failure:
        sys.exit("\n".join(filter(None, (failure.tail, failure.message, failure.hint))))
    except LocalCloudError as error:
        first, _, rest = str(error).partition("\n")
        sys.exit(f"{rest}\n{ENDED}{first}")


def _keep(folder: DrillFolder, plan: Plan) -> None:
    run = RunFolder.make(WORK)
    # The drill removes it if this process is killed. It is outside the temporary folder of a session that may end first.
    _temporary_file(folder).write_text(str(run.cloud), "utf-8")
    tempfile.tempdir = str(run.cloud)
    steps = Steps(Console(highlight=False, emoji=False))
    with (
        Commands() as commands,
        local_platform(
            read_settings(plan.environment), run, steps, commands, time_factor=plan.time_factor, health_checkers=True
        ) as (target, cloud),
    ):
        target.save(folder.target)
        ready = folder.supervisor.with_suffix(".new")
        ready.write_text(json.dumps({"process_id": os.getpid(), "target": str(folder.target)}), "utf-8")
        ready.replace(folder.supervisor)
        while _seconds_without_a_drill(folder) < ORPHANED_SECONDS:
            cloud.require_alive()
            time.sleep(1)
        sys.stdout.write(f"{ENDED}The local cloud was stopped, because no drill had run for {ORPHANED_SECONDS:.0f} s.\n")


def _seconds_without_a_drill(folder: DrillFolder) -> float:
    """Return the time since a drill last touched its file; infinity if its folder was removed."""
    return time.time() - folder.alive.stat().st_mtime if folder.alive.exists() else math.inf


def _spawn(folder: DrillFolder, plan: Plan) -> None:
    command = [sys.executable, "-m", "drill.targets.supervisor", "--folder", str(folder.path)]
    # Between the start and the note of its id, an interrupt would leave a supervisor that nothing can find.
    with folder.supervisor_log.open("wb") as log, held_back("The drill's local cloud is being started"):
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--plan", json.dumps(plan.as_json())],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            # Neither Ctrl-C nor the end of the drill's terminal reaches it.
            start_new_session=True,
        )
        _process_file(folder).write_text(str(process.pid), "utf-8")


def _running(folder: DrillFolder) -> int:
    """Return the supervisor's process id; 0 if it has ended."""
    try:
        process_id = int(_process_file(folder).read_text("utf-8"))
        _reap(process_id)
        os.kill(process_id, 0)
    except (OSError, ValueError):
        return 0
    return process_id if _is_supervisor(Path(f"/proc/{process_id}")) else 0


def _is_supervisor(process: Path) -> bool:
    """Return whether a running process is the supervisor, as far as the system shows it, because ids are reused.

    A zombie stays in the list until its parent reads its status, which the first process of a container may never do.
    """
    try:
        state = (process / "stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[0]
        words = (process / "cmdline").read_bytes()
    except (OSError, IndexError):
        return not Path("/proc/self").exists()
    # A program that is just being started has no command line yet.
    return state != "Z" and (not words or b"drill.targets.supervisor" in words)


def _reap(process_id: int) -> None:
    try:
        os.waitpid(process_id, os.WNOHANG)
    except ChildProcessError:
        return


def _process_file(folder: DrillFolder) -> Path:
    return folder.path / _PROCESS_FILE


def _lender(folder: DrillFolder) -> Path:
    """Return the path of the file that names the folder whose cloud a drill uses."""
    return folder.path / "supervisor.lender"


def _temporary_file(folder: DrillFolder) -> Path:
    """Return the path of the file that names the folder of the cloud's data."""
    return folder.path / "supervisor.tmp"


def why_ended(folder: DrillFolder) -> str:
    """Return a sentence on why the supervisor has ended."""
    if _lender(folder).exists():
        return why_ended(DrillFolder(Path(_lender(folder).read_text("utf-8"))))
    last = _last_line(folder.supervisor_log)
    return last.removeprefix(ENDED) if last.startswith(ENDED) else "The process that holds the local cloud was killed."


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "starting"


if __name__ == "__main__":
    main()
