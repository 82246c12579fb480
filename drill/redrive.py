"""Redrive dead letters about the drill's own objects to their source queue."""

from __future__ import annotations

from drill.context import Context
from drill.proof import Scope
from operations.dead_letters import DeadLetterQueue


def own_letters(context: Context) -> int:
    """Send each message back and delete it; return their number. A second delivery has no effect."""
    prefixes = Scope(context.plan.source).prefixes
    queues = [DeadLetterQueue(context.deployment, region) for region in context.target.regions]
    sent = sum(queue.redrive(lambda letter: letter.is_about(*prefixes), lambda _: None) for queue in queues)
    if sent:
        context.note(f"{sent} dead letters about the drill's own objects were sent back to their queues", level="warning")
    return sent
