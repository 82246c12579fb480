"""Start nox on a separate terminal (a pty), press Ctrl-C there, and find what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_WITHIN_SECONDS: Final = 300.0
"""Seconds that only a hang takes: each wait ends with an observable event."""
AFTER_CLOSED_TERMINAL: Final = {130, 120}
"""Exit statuses of nox without a terminal. It ends with 120 where it could not write the rest of its output
(https://docs.python.org/3/c-api/init.html#c.Py_Main)."""
_MARK: Final = "LOCKSTEP_INTERRUPT_TEST"
_CONTROL_SEQUENCE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_START: Final = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.setsid()
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execv(sys.executable, [sys.executable, "-m", "nox", *sys.argv[1:]])
"""
"""Opening a terminal makes it the controlling one of a new session, whose Ctrl-C the kernel sends to all of nox's group.

What starts the tests may ignore these signals, as `nohup` and a shell's `&` do; a terminal's shell does not.
"""


class Nox:
    """`nox -s SESSION -- ARGUMENTS` in the foreground of a terminal; used as a context manager.

    Attributes:
        temporary: The temporary folder of everything that it starts.
        drills: Where its drills are written.

    Args:
        folder: An empty folder for both.
        session: The session's name.
        arguments: Passed on to the session's program.
        checkout: Where the noxfile is.
    """

    def __init__(self, folder: Path, session: str, *arguments: str, checkout: Path = CHECKOUT) -> None:
        self.temporary = folder / "tmp"
        self.drills = folder / "drills"
        self.temporary.mkdir()
        self._mark = uuid.uuid4().hex
        self._text = ""
        self._terminal, inside = pty.openpty()
        environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "LOCKSTEP_DRILLS": str(self.drills),
            "COLUMNS": "200",
            _MARK: self._mark,
        }
        self._process = subprocess.Popen(  # noqa: S603  our own noxfile
            [sys.executable, "-c", _START, "-s", session, *(["--", *arguments] if arguments else [])],
            cwd=checkout,
            env=environment,
            stdin=inside,
            stdout=inside,
            stderr=inside,
        )
        os.close(inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_terminal()
        for process_id in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self._process.wait()

    @property
    def text(self) -> str:
        """The text that nox has printed until now, without colours."""
        return _CONTROL_SEQUENCE.sub("", self._text)

    def wait_for(self, what: str | Callable[[], bool]) -> None:
        """Return when it has printed a text, or when a condition holds.

        Raises:
            AssertionError: It ended before that.
        """
        holds = what if callable(what) else lambda: what in self.text
        deadline = time.monotonic() + _WITHIN_SECONDS
        while not holds():
            is_over = self._process.poll() is not None and not self.processes()
            self._read()
            assert holds() or not (is_over or time.monotonic() > deadline), f"{what!r} did not come: {self.text}"

    def press_ctrl_c(self) -> None:
        """Type Ctrl-C: the terminal sends SIGINT to nox and to the program that it runs."""
        os.write(self._terminal, b"\x03")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to nox alone."""
        self._process.send_signal(number)

    def close_terminal(self) -> None:
        """Close the terminal's window: nox gets SIGHUP and can no longer print."""
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def end(self) -> int:
        """Wait until nox has ended, and return its exit status."""
        self.wait_for(lambda: self._process.poll() is not None)
        return self._process.wait()

    def assert_nothing_is_left(self) -> None:
        """Wait until the last process has ended, and check that the temporary folder is empty.

        If nox itself was killed, the next session has removed its folder before.

        Raises:
            AssertionError: Something is left.
        """
        deadline = time.monotonic() + _WITHIN_SECONDS
        while self.processes() and time.monotonic() < deadline:
            self._read()
        assert not self.processes(), [_command_line(one) for one in self.processes()]
        left = sorted(str(one.relative_to(self.temporary)) for one in self.temporary.rglob("*"))
        assert left == [], f"{left[:20]}\n{self.text}"

    def run_another_session(self) -> None:
        """Run a session that does nothing, with the same temporary folder, once every process of this one has ended."""
        self.wait_for(lambda: not self.processes())
        command = [sys.executable, "-m", "nox", "-s", "upload", "--", "--help"]
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  ours

    def processes(self) -> list[int]:
        """The ids of all running processes that this nox has started, directly or not."""
        return self._listed() or self._listed(after_seconds=0.1)

    def _listed(self, *, after_seconds: float = 0.0) -> list[int]:
        # One listing can miss a process that has just been forked, or whose environment is replaced by exec.
        time.sleep(after_seconds)
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal() and self._is_ours(one)]

    def _is_ours(self, process: Path) -> bool:
        try:
            is_marked = f"{_MARK}={self._mark}".encode() in (process / "environ").read_bytes().split(b"\0")
            return is_marked and (process / "stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def _read(self) -> None:
        if self._terminal < 0:
            time.sleep(0.1)
            return
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._text += os.read(self._terminal, 65_536).decode("utf-8", errors="replace")
                return
        self._process.poll()


def _command_line(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", errors="replace")
    except OSError:
        return ""
