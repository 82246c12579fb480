"""Shared code of the command lines: print a failure, and end a run cleanly on a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

import typer
from rich.console import Console

from operations.errors import RunFailure

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
PARENT_VARIABLE: Final = "LOCKSTEP_PARENT"
"""Environment variable with the noxfile's process id. A program ends when that process ends."""
_LOOK_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.01
"""Longer than `Popen.poll` takes."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def explain(failure: RunFailure, console: Console) -> None:
    """Print what happened, what to do about it, and where the full log is."""
    if failure.tail:
        console.print(failure.tail, markup=False, soft_wrap=True)
        console.rule(style="red")
    console.print(failure.message, style="bold red", markup=False, soft_wrap=True)
    if failure.hint:
        console.print(failure.hint, markup=False, soft_wrap=True)
    if failure.log:
        console.print(f"Log: {short(failure.log)}", markup=False, soft_wrap=True)


def failure_of(error: OSError, *, hint: str = "") -> RunFailure:
    """Return the failure for an error of a file, a disk, or the stream that the output goes to."""
    place = error.filename or "The disk, or the place that the output goes to"
    hint = hint or "What was done before this stays done. Correct that, and type the command again."
    return RunFailure(f"{place}: {error.strerror or error}.", hint=hint)


def run(app: typer.Typer, *, name: str) -> None:
    """Run the command that is typed, and end the process. A failure of a file or of the output is explained."""
    try:
        os.fstat(1)  # if it is closed, the file that is opened next would receive what a child process prints
        try:
            app(prog_name=name)
        finally:
            print(end="", flush=True)  # noqa: T201 - while a full disk can be named, and not at the interpreter's end
    except OSError as error:  # typer has handled a broken pipe
        # What is still buffered would fail again at the interpreter's end: https://docs.python.org/3/library/signal.html
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        explain(failure_of(error), Console(stderr=True, highlight=False, emoji=False))
        sys.exit(1)


def short(path: Path) -> Path:
    """Return a path relative to the checkout, if it is below it."""
    return path.relative_to(_CHECKOUT) if path.is_relative_to(_CHECKOUT) else path


def end_like_ctrl_c_on(*signals: signal.Signals) -> None:
    """Make the first of these signals raise KeyboardInterrupt, as Ctrl-C does, even if the shell ignores the signal.

    Later signals do not interrupt the clean-up. The end of the process LOCKSTEP_PARENT counts as SIGINT.
    """
    is_interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal is_interrupted
        _leave_dead_terminal(is_dead=number == signal.SIGHUP)
        if is_interrupted:
            _print_raw(f"Still cleaning up. `kill -9 {os.getpid()}` ends it at once and leaves the rest in place.\n")
        elif _is_polling(frame):
            threading.Timer(_POLL_SECONDS, os.kill, (os.getpid(), number)).start()
        else:
            is_interrupted = True
            raise KeyboardInterrupt

    for number in signals:
        # `nohup` ignores SIGHUP on purpose.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    end_with_parent()


def _is_polling(frame: FrameType | None) -> bool:
    """Return whether an exception now could leave the lock of a `Popen` locked, so that its `wait` would never return.

    `poll`, and `wait` with a time limit, take the lock before the `try` whose end releases it. They hold it for a moment.
    """
    poll, wait = (getattr(subprocess.Popen, name).__code__ for name in ("_internal_poll", "_wait"))
    while frame:
        if frame.f_code is poll:
            return True
        if frame.f_code is wait and frame.f_locals.get("timeout") is not None:
            lock = getattr(frame.f_locals["self"], "_waitpid_lock", None)  # Windows has none
            return lock is not None and lock.locked()
        frame = frame.f_back
    return False


@contextlib.contextmanager
def held_back(what: str) -> Iterator[None]:
    """Run a block to its end; the first signal that arrives meanwhile takes effect afterwards.

    In a thread other than the main one it does nothing, because no signal interrupts such a thread.

    Args:
        what: Sentence to print when a signal arrives, for example "The drill's report is being written".
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        _leave_dead_terminal(is_dead=number == signal.SIGHUP)
        came.append(number)
        _print_raw(f"{what}. `kill -9 {os.getpid()}` ends it at once and leaves the rest undone.\n")

    is_main = threading.current_thread() is threading.main_thread()
    numbers = [number for number in _ENDING if is_main and signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def end_with_parent() -> None:
    """Interrupt this process when the process LOCKSTEP_PARENT ends. After `kill -9` of it no signal arrives here."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdecimal() or os.name == "nt":  # on Windows a virtual environment's Python is a child of its launcher
        return
    if os.getppid() != int(parent) and _is_alive(int(parent)):
        # The variable was set for an ancestor, for example a test process.
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except OSError:
        return False
    return True


def _leave_dead_terminal(*, is_dead: bool) -> None:
    """Redirect output to the null device if the terminal is gone: a failing print would end the clean-up."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            # After a hang-up the device still exists but is no longer a terminal.
            if stat.S_ISCHR(os.fstat(stream).st_mode) and (is_dead or not os.isatty(stream)):
                os.dup2(nowhere, stream)
        os.close(nowhere)


def _print_raw(text: str) -> None:
    # A signal may arrive in the middle of a `print`, which is not reentrant.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
