"""Redriving: dead letters about the drill's own objects go back to the queue that they died in."""

from __future__ import annotations

from drill.context import Context
from drill.proof import Scope
from operations.dead_letters import DeadLetterQueue


def own_letters(context: Context) -> int:
    """Send each such letter back and delete it; return how many. Delivered twice it does nothing twice."""
    prefixes = Scope(context.plan.source).prefixes
    queues = [DeadLetterQueue(context.deployment, region) for region in context.target.regions]
    sent = sum(queue.redrive(lambda letter: letter.is_about(*prefixes), lambda _: None) for queue in queues)
    if sent:
        context.note(f"{sent} dead letters about the drill's own objects were sent back to their queues", level="warning")
    return sent
