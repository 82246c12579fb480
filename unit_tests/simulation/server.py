"""Run the histories of each line of standard input in a process of their own, and print their outcomes.

The simulator takes the handlers' clock and sets variables of Powertools, so no two runs share a process. Each is a fork of
this one: the imports take ten times as long as a history.
"""

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

from simulation.__main__ import known_failures
from simulation.drawing import draw, draw_duel
from simulation.exhaustive import plans
from simulation.history import History
from simulation.plan import Plan
from simulation.sabotage import sabotaged
from simulation.watched_plans import draw_failback, draw_observed, draw_reconciled

CHOICES: Final[dict[str, Callable[..., Iterable[Plan]]]] = {
    "drawn": lambda *seeds: map(draw, seeds),
    "duel": lambda *seeds: map(draw_duel, seeds),
    "observed": lambda *seeds: map(draw_observed, seeds),
    "failback": lambda *seeds: map(draw_failback, seeds),
    "reconciled": lambda *seeds: map(draw_reconciled, seeds),
    "given": lambda *given: map(Plan.from_dict, given),
    "regressions": known_failures,
    "exhaustive": lambda: plans(1),
}
SHOWN: Final = ("client", "rotation", "Secrets Manager")


def outcomes(sabotage: str, choice: str, *chosen: Any) -> list[dict[str, list[str]]]:  # noqa: ANN401 - as the choice takes
    """Run each plan of a choice, with a sabotaged variant if one is named."""
    with sabotaged(sabotage) if sabotage else contextlib.nullcontext():
        return [outcome(History(plan).run()) for plan in CHOICES[choice](*chosen)]


def outcome(one: History) -> dict[str, list[str]]:
    """Return what the tests compare."""
    persons = one.people.persons if one.people else []
    return {
        "digest": [one.digest()],
        "broken": sorted({name for name, _ in one.violations}),
        "answers": [" ".join(map(str, line[1:])) for line in one.world.story if line[2] in SHOWN],
        "coverage": sorted({fault for fault, *_ in one.world.coverage}),
        "states": [str(line.state) for person in persons for line in person.lines.values()],
    }


def main() -> None:
    """Answer each line, until standard input is closed."""
    for line in sys.stdin:
        if child := os.fork():
            if os.waitpid(child, 0)[1]:
                show(f"the process ended without an outcome: {line}")
            continue
        try:
            answer: object = outcomes(*json.loads(line))
        except BaseException:  # noqa: BLE001 - the test shows it
            answer = traceback.format_exc()
        show(answer)
        os._exit(0)


def show(answer: object) -> None:
    """Print an answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
