"""Test the processes: the start of this one, and the running descendants of another one."""

from __future__ import annotations

import subprocess
import sys
import time

from drill import processes


def test_start_of_this_process_is_before_now() -> None:
    assert time.time() - 7200 < processes.started_at() <= time.time()


def test_descendants_include_a_child_with_a_session_of_its_own() -> None:
    script = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, start_new_session=True);"
        "print(p.pid, flush=True); input(); p.communicate(b'x'); print('ended', flush=True); input()"
    )
    parent = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    family = processes.descendants(parent.pid)
    assert {parent.pid, child} <= {one.process_id for one in family}
    assert all(map(processes.is_running, family))
    parent.stdin.write("\n")
    parent.stdin.flush()
    assert parent.stdout.readline() == "ended\n"
    assert [processes.is_running(one) for one in family if one.process_id == child] == [False]
    parent.communicate("\n")
    assert not any(map(processes.is_running, family))
    assert processes.descendants(parent.pid) == set()
