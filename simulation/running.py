"""What a worker process runs; a spawned one never imports a package's `__main__`."""

from collections import Counter
from dataclasses import dataclass, field

from simulation.history import History
from simulation.plan import draw


@dataclass
class Totals:
    """What became of several histories."""

    histories: int = 0
    objects: int = 0
    calls: int = 0
    coverage: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[tuple[str, str]]] = field(default_factory=dict)


def run(seeds: list[int]) -> Totals:
    """Run a history for each seed."""
    totals = Totals()
    for seed in seeds:
        history = History(draw(seed)).run()
        totals.histories += 1
        totals.objects += len(history.accepted)
        totals.calls += sum(region.calls for region in history.world.regions.values())
        totals.coverage.update({" x ".join(cell): count for cell, count in history.world.coverage.items()})
        if history.violations:
            totals.broken[seed] = history.violations
    return totals
