"""Starts worker processes that leave Ctrl-C to their parent and that end when it ends."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.pool import Pool


@contextmanager
def worker_pool(processes: int, *, tasks_per_process: int | None = None) -> Iterator[Pool]:
    """Start a pool of spawned processes; leaving the context terminates them.

    Args:
        processes: How many processes.
        tasks_per_process: After so many tasks a process is replaced; by default it never is.
    """
    with ExitStack() as stack:
        with interrupts_held():
            spawn = multiprocessing.get_context("spawn")
            pool = stack.enter_context(spawn.Pool(processes, end_with_parent, maxtasksperchild=tasks_per_process))
        yield pool


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delay Ctrl-C to the end of the context; threads and processes started meanwhile never receive it.

    A terminal sends Ctrl-C to every process of its group. A worker that receives it while it imports prints a traceback.
    """
    # The tracker's own start unblocks the signal: CPython's resource_tracker.ensure_running().
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent() -> None:
    """End this process when its parent ends: after `kill -9` nothing else ends a worker."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
