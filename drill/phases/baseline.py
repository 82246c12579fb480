"""baseline: record the platform's state before the drill changes it, then inject this phase's faults."""

from __future__ import annotations

from drill import fault_control
from drill.context import Context
from operations.queues import backlog
from operations.register import Register


def run(context: Context) -> str:
    """Record the dead letters and the claims once. A resumed run keeps them, because the drill may have changed both."""
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
