"""Injecting and healing by the journal: what is there is known even after a kill, and nothing is left."""

from __future__ import annotations

import time
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill.context import Context
from drill.faults import FAULTS
from drill.faults.dlq_flood import LETTERS
from drill.journal import Journal
from drill.plan import PHASES, FaultSpec, Plan
from local_cloud import LocalCloudError
from operations.errors import RunFailure

_ROUNDS: Final = 5
_PAUSE_SECONDS: Final = 1.0


def inject(context: Context, phase: str) -> None:
    """Inject the faults that the plan has for a phase, unless they were injected before.

    Raises:
        RunFailure: One could not be injected.
    """
    for wish in context.plan.faults_of(phase):
        wanted = str(wish)
        if context.journal.last("fault injected", wish=wanted) is not None:
            continue
        # First the line, then the deed: a drill that is killed in between heals it all the same.
        if wish.name == "dlq-flood":
            context.journal.state(phase, "flooded", LETTERS)
        context.journal.append(phase, "fault injecting", wish=wanted, name=wish.name)
        try:
            said = FAULTS[wish.name].inject(context.platform)
        except (ClientError, BotoCoreError, LocalCloudError) as error:
            raise RunFailure(f"The fault {wanted} could not be injected: {error}") from error
        context.journal.append(phase, "fault injected", wish=wanted, name=wish.name, detail=said)
        if wish == main(context.plan):
            context.journal.mark(phase, "fault")
        context.say(said)


def main(plan: Plan) -> FaultSpec | None:
    """Return the fault that the failover answers; None if it answers none, and is a planned one.

    It is the first that loses the region before the drill goes back, else the first of the phase that is there for it.
    """
    before = [one for one in plan.faults if PHASES.index(one.phase) < PHASES.index("failback")]
    losing = [one for one in before if FAULTS[one.name].loses_region]
    of_inject = [one for one in before if one.phase == "inject"]
    return next(iter((*losing, *of_inject)), None)


def active_faults(journal: Journal) -> list[str]:
    """Return the names of the faults that are there, or may be, in the order in which they were injected."""
    return [name for _, name in _unhealed(journal)]


def heal(context: Context) -> None:
    """Put right every fault that is there, the last one first; one that needs another to go first is tried again.

    Raises:
        RunFailure: One cannot be healed.
    """
    problems: list[str] = []
    for _ in range(_ROUNDS):
        problems = [
            problem for wish, name in reversed(_unhealed(context.journal)) if (problem := _heal(context, wish, name))
        ]
        if not problems:
            return
        time.sleep(_PAUSE_SECONDS)
    raise RunFailure(f"Not healed: {'; '.join(problems)}", hint="Try again: `python -m drill abort`.")


def _unhealed(journal: Journal) -> list[tuple[str, str]]:
    """The wish and name of each, in the order in which they were injected."""
    healed = {entry.data["wish"] for entry in journal.of("fault healed")}
    begun = {entry.data["wish"]: entry.data["name"] for entry in journal.of("fault injecting")}
    return [(wish, name) for wish, name in begun.items() if wish not in healed]


def _heal(context: Context, wish: str, name: str) -> str:
    try:
        FAULTS[name].heal(context.platform)
    except (ClientError, BotoCoreError, LocalCloudError, OSError) as error:
        return f"{wish}: {error}"
    context.journal.append(context.phase, "fault healed", wish=wish, name=name)
    return ""
