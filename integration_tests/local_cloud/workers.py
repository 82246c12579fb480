"""The processes that run functions end with the server, however it ended, whatever they are doing.

A worker that waits for its next invocation reads the end of its pipe and ends by itself; one that is in the middle of a
handler does not read. So each watches its parent too.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Final

from ministack.core import lambda_runtime

_WATCH: Final = """
def _end_with_the_server():
    import os, threading, time
    server = os.getppid()
    def watch():
        while os.getppid() == server:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
_end_with_the_server()
"""


def end_with_the_server() -> None:
    """Let every worker that is started from now on end when this process is gone."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WATCH + lambda_runtime._PYTHON_WORKER_SCRIPT
