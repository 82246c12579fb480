"""baseline: write down what is there before anything is done; a fault of this phase comes after that."""

from __future__ import annotations

from drill import fault_control
from drill.context import Context
from operations.queues import backlog
from operations.register import Register


def run(context: Context) -> str:
    """Note the queues and the register; what a second run would see is the drill's own doing, so it sees nothing anew.

    Raises:
        RunFailure: A fault could not be injected.
    """
    if context.journal.fact("dead_letters_before") is None:
        regions = context.target.regions
        dead = {one: sum(backlog(context.deployment, one, "DeadLetterQueueUrl").values()) for one in regions}
        claims = Register(context.target, context.target.secondary).claims()
        context.journal.state(context.phase, "claims_before", claims)
        context.journal.state(context.phase, "dead_letters_before", dead)
        context.journal.state(context.phase, "unreadable_files", sum(one.is_unreadable for one in context.items))
    fault_control.inject(context, context.phase)
    dead = context.journal.fact("dead_letters_before")
    return f"dead letters {sum(dead.values())}, claims {context.journal.fact('claims_before') or 'none'}"
