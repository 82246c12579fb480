"""switch: promote the secondary, by calls in the secondary alone."""

from __future__ import annotations

from drill.context import Context
from operations.register import Register


def run(context: Context) -> str:
    """Write the claim to be active, and read it back."""
    region = context.target.secondary
    promotion = Register(context.target, region).promote()
    context.journal.mark(context.phase, "promoted")
    context.note(f"{region} is active, epoch {promotion.epoch}", level="good", region=region)
    return f"epoch {promotion.epoch}"
