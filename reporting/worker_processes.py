"""Starts worker processes that leave Ctrl-C and hang-up to their parent and that end when it ends."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.pool import Pool
from typing import Final

_HELD: Final = (signal.SIGINT, signal.SIGHUP)


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
    """Delay Ctrl-C and hang-up to the end of the context; threads and processes started meanwhile never receive them.

    A terminal sends both to every process of its group. A worker that receives Ctrl-C while it imports prints a traceback.
    Hang-up ends multiprocessing's resource tracker, whose successor prints a traceback for each resource it does not know.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    # Its start unblocks SIGINT in this process: CPython's resource_tracker.ensure_running().
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def end_with_parent() -> None:
    """End this process when its parent ends: after `kill -9` nothing else ends a worker."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
