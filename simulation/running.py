"""What a worker process runs; a spawned one never imports a package's `__main__`."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulation.history import History
from simulation.plan import Plan, draw


@dataclass
class Totals:
    """What became of several histories."""

    histories: int = 0
    objects: int = 0
    calls: int = 0
    coverage: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[Plan, list[tuple[str, str]]]] = field(default_factory=list)


def run(plans: list[Plan | int]) -> Totals:
    """Run a history for each plan, or the plan of a seed."""
    totals = Totals()
    with _garbage_between_histories() as collect:
        for one in plans:
            history = History(one if isinstance(one, Plan) else draw(one)).run()
            totals.histories += 1
            totals.objects += len(history.accepted)
            totals.calls += sum(region.calls for region in history.world.regions.values())
            totals.coverage.update({" x ".join(cell): count for cell, count in history.world.coverage.items()})
            if history.violations:
                totals.broken.append((history.plan, history.violations))
            del history
            collect()
    return totals


@contextmanager
def _garbage_between_histories() -> Iterator[Callable[[], int]]:
    """Collect garbage where a history ends, all of it at once, and look at no module each time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()
