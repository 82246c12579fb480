"""Run histories in worker processes. This is a separate module because a spawned process cannot import `__main__`."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final

from reporting.worker_processes import worker_pool
from simulation.history import History
from simulation.plan import Plan
from simulation.watched_plans import plan_of

_OBJECTS_A_CHUNK: Final = 240
"""Number of objects in a worker's chunk: seconds of work, so that the rate is printed often and an interrupt loses
little."""
_TYPICAL_OBJECTS: Final = 6
_CALLS_BETWEEN_COLLECTIONS: Final = 20_000
"""Two histories of 200 objects, or some dozen of the usual size: a collection takes 15 ms, a usual history 90."""


@dataclass
class Totals:
    """The results of several histories."""

    histories: int = 0
    objects: int = 0
    calls: int = 0
    cpu_seconds: float = 0.0
    coverage: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[Plan, list[tuple[str, str]]]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    """For each history, in order: the story's digest, and the broken invariants."""

    def add(self, others: "Totals") -> None:
        """Add the results of later histories."""
        self.histories += others.histories
        self.objects += others.objects
        self.calls += others.calls
        self.cpu_seconds += others.cpu_seconds
        self.coverage += others.coverage
        self.broken += others.broken
        self.digests += others.digests

    def digest(self) -> str:
        """Return a digest, the same for the same histories on any machine and under any Python."""
        return hashlib.sha256("\n".join(self.digests).encode()).hexdigest()


def run_all(plans: Iterable[Plan | int], *, jobs: int, objects: int | None) -> Iterator[Totals]:
    """Yield the results of the histories, a chunk at a time and in order."""
    size = max(1, _OBJECTS_A_CHUNK // (objects or _TYPICAL_OBJECTS))
    left = iter(plans)
    chunks = iter(lambda: list(islice(left, size)), [])
    work = partial(run, objects=objects)
    if jobs == 1:
        yield from map(work, chunks)
        return
    with worker_pool(jobs) as pool:
        yield from pool.imap(work, chunks)


def run(plans: list[Plan | int], *, objects: int | None = None) -> Totals:
    """Run a history for each plan or seed."""
    totals, began, collected_at = Totals(), time.process_time(), 0
    with _garbage_between_histories() as collect:
        for one in plans:
            history = History(one if isinstance(one, Plan) else plan_of(one, objects=objects)).run()
            totals.histories += 1
            totals.digests.append(f"{history.plan.seed} {history.digest()} {history.violations}")
            totals.objects += len(history.accepted)
            totals.calls += sum(region.calls for region in history.world.regions.values())
            totals.coverage.update({" x ".join(cell): count for cell, count in history.world.coverage.items()})
            if history.violations:
                totals.broken.append((history.plan, history.violations))
            del history
            if (totals.calls - collected_at) > _CALLS_BETWEEN_COLLECTIONS:
                collected_at = totals.calls
                collect()
    totals.cpu_seconds = time.process_time() - began
    return totals


@contextmanager
def _garbage_between_histories() -> Iterator[Callable[[], int]]:
    """Collect garbage only between histories, without the modules."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()
