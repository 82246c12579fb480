"""Run other programs in their own process groups, with a log, and always stop them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from operations.command_line import held_back
from operations.errors import RunFailure

_TERMINATE_GRACE_SECONDS: Final = 3.0
_TAIL_LINES: Final = 30


class Commands:
    """Runs programs, and stops those that still run at the end of the block.

    A context manager. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all running programs, and start no more."""
        with self._lock:
            self._closed = True
            left = list(self._running)
        for process in left:
            _end_group(process, signal.SIGTERM, _TERMINATE_GRACE_SECONDS)

    def run_logged(
        self,
        command: Sequence[str],
        *,
        what: str,
        log: Path,
        cwd: Path,
        env: Mapping[str, str],
        hint: str = "",
        each_line: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Run a program to its end with all its output in a file.

        Args:
            command: The program and its arguments.
            what: Its name in messages, for example `cdk deploy`.
            log: The file of its output.
            cwd: The working directory.
            env: Its complete environment.
            hint: What to do if it fails.
            each_line: Called with each line of output, for a progress display.

        Raises:
            RunFailure: Its exit status is not 0. The message has the log's last lines.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file, self._started(command, cwd, env, piped=True) as process:
            for line in process.stdout or ():
                file.write(line)
                file.flush()
                each_line(line.rstrip())
            status = process.wait()
        if status:
            raise RunFailure(f"{what} ended with status {status}.", hint=hint, log=log, tail=last_lines(log))

    def run_shown(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], grace_seconds: float = 0) -> int:
        """Run a program that writes to the user's terminal, and return its exit status.

        On Ctrl-C it is interrupted and gets some seconds to clean up, if `grace_seconds` is set; otherwise it is stopped.
        """
        with self._started(command, cwd, env, piped=False) as process:
            try:
                return process.wait()
            except BaseException:
                if grace_seconds:
                    _end_group(process, signal.SIGINT, grace_seconds)
                raise

    @contextlib.contextmanager
    def _started(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], *, piped: bool
    ) -> Iterator[subprocess.Popen[str]]:
        process = None
        try:
            # An interrupt between the start and the note of it would leave the process running.
            with self._lock, held_back("A command is being started"):
                if self._closed:
                    raise RunFailure("The run is being stopped.")
                process = subprocess.Popen(  # noqa: S603 - our own commands
                    command,
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if piped else None,
                    stderr=subprocess.STDOUT if piped else None,
                    text=True,
                    errors="replace",
                    # A group of its own: Ctrl-C reaches it through us, in order, and its children end with it.
                    start_new_session=True,
                )
                self._running.add(process)
            yield process
        finally:
            if process:
                _end_group(process, signal.SIGTERM, _TERMINATE_GRACE_SECONDS)
                with self._lock:
                    self._running.discard(process)
                if process.stdout:
                    process.stdout.close()


def last_lines(log: Path, lines: int = _TAIL_LINES) -> str:
    """Return the end of a text file."""
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:])


def _end_group(process: subprocess.Popen[str], first: signal.Signals, grace_seconds: float) -> None:
    """Send SIGTERM to the process, wait, and kill the rest of its group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    # The group outlives its leader while a child runs.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
