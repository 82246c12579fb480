"""baseline: write down what is there before anything is done."""

from __future__ import annotations

from drill.context import Context
from operations.queues import backlog
from operations.register import Register


def run(context: Context) -> str:
    """Note the queues and the register; what a second run would see is the drill's own doing, so it sees nothing anew."""
    if context.journal.fact("dead_letters_before") is None:
        dead = {
            region: sum(backlog(context.deployment, region, "DeadLetterQueueUrl").values()) - _flooded(context, region)
            for region in context.target.regions
        }
        claims = Register(context.target, context.target.secondary).claims()
        context.journal.state(context.phase, "claims_before", claims)
        context.journal.state(context.phase, "dead_letters_before", dead)
    dead = context.journal.fact("dead_letters_before")
    return f"dead letters {sum(dead.values())}, claims {context.journal.fact('claims_before') or 'none'}"


def _flooded(context: Context, region: str) -> int:
    """How many letters are the drill's own flood, injected at this phase's beginning."""
    return int(context.journal.fact("flooded") or 0) if region == context.target.primary else 0
