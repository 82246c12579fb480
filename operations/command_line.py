"""What the command lines have in common: how a failure is told, and what ends a run politely."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console

from operations.failure import RunFailure

_CHECKOUT: Final = Path(__file__).resolve().parents[1]


def explain(failure: RunFailure, console: Console) -> None:
    """Say what happened, what to do about it, and where the whole story is."""
    if failure.tail:
        console.print(failure.tail, markup=False, soft_wrap=True)
        console.rule(style="red")
    console.print(failure.message, style="bold red", markup=False, soft_wrap=True)
    if failure.hint:
        console.print(failure.hint, markup=False, soft_wrap=True)
    if failure.log:
        console.print(f"Log: {short(failure.log)}", markup=False, soft_wrap=True)


def short(path: Path) -> Path:
    """Return a path as it is typed in the checkout."""
    return path.relative_to(_CHECKOUT) if path.is_relative_to(_CHECKOUT) else path


def end_like_ctrl_c_on(*signals: signal.Signals) -> None:
    """Let a polite kill unwind through every `finally`, as Ctrl-C does; that too, where a shell has it ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)
