"""Read the operating system's processes: the start time of this one, and the descendants of any."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

_PROCESSES: Final = Path("/proc")
_STATE, _PARENT, _START = 0, 1, 19
"""Fields of `/proc/<id>/stat` after the name (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)."""


class Process(NamedTuple):
    """A process. The system reuses ids; the start time distinguishes two processes with one id."""

    process_id: int
    started: int
    """Clock ticks since the machine started."""


def started_at() -> float:
    """Return this process's start in epoch seconds; the current time if the system does not show it."""
    fields = _fields(os.getpid())
    if not fields:
        return time.time()
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[_START]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def descendants(process_id: int) -> set[Process]:
    """Return a process and its running descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    starts: dict[int, int] = {}
    for folder in _PROCESSES.iterdir() if _PROCESSES.is_dir() else ():
        if folder.name.isdigit() and (fields := _fields(int(folder.name))):
            children[int(fields[_PARENT])].append(int(folder.name))
            starts[int(folder.name)] = int(fields[_START])
    found: set[Process] = set()
    waiting = [process_id]
    while waiting:
        one = waiting.pop()
        if one in starts and Process(one, starts[one]) not in found:
            found.add(Process(one, starts[one]))
            waiting += children[one]
    return found


def is_running(process: Process) -> bool:
    """Return whether a process runs. A zombie does not."""
    fields = _fields(process.process_id)
    return bool(fields) and fields[_STATE] != "Z" and int(fields[_START]) == process.started


def _fields(process_id: int) -> list[str]:
    try:
        text = (_PROCESSES / str(process_id) / "stat").read_text("utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
