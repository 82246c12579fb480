"""switch: promote the secondary, by calls in the secondary alone."""

from __future__ import annotations

from drill.context import Context
from drill.stops import Stop
from operations.register import Register, active_region


def run(context: Context) -> str:
    """Write the claim to be active, and read it back."""
    region = context.target.secondary
    register = Register(context.target, region)
    promotion, claims = register.promote(), register.claims()
    if claims.get(region) != promotion.epoch or active_region(claims, primary=context.target.primary) != region:
        raise Stop(
            f"The promotion of {region} reported epoch {promotion.epoch}, and the table there holds the claims {claims}.",
            hint="Look at the claims with `lockstep status`; the promotion did not take effect.",
        )
    context.journal.mark(context.phase, "promoted")
    context.note(f"{region} is active, epoch {promotion.epoch}", level="good", region=region)
    return f"epoch {promotion.epoch}"
