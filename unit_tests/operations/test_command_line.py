"""A signal never leaves the lock of a process locked."""

import subprocess
import sys

import pytest

PROGRAM = """
import signal, subprocess, sys, time
from operations.command_line import end_like_ctrl_c_on

class InterruptedLock:
    def __init__(self, lock):
        self.lock, self.release, self.locked = lock, lock.release, lock.locked
        self.is_first = True

    def acquire(self, *how):
        taken = self.lock.acquire(*how)
        if self.is_first:
            self.is_first = False
            signal.raise_signal(signal.SIGINT)
        return taken

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()

end_like_ctrl_c_on(signal.SIGINT)
process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
process._waitpid_lock = InterruptedLock(process._waitpid_lock)
try:
    LOOK
    time.sleep(60)
except KeyboardInterrupt:
    process.kill()
    print(process.wait(timeout=10))
"""


@pytest.mark.parametrize("look", ["process.poll()", "process.wait(timeout=60)"])
def test_process_interrupted_while_polled_can_be_waited_for(look: str) -> None:
    program = PROGRAM.replace("LOOK", look)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (done.stdout, done.stderr) == ("-9\n", "")
