"""failback: heal, wait until the gate opens, and make the primary active again; a second fault keeps the gate shut."""

from __future__ import annotations

from typing import Final

from drill import fault_control, gate
from drill.context import Context
from drill.stops import Stop
from operations.register import Register

_PATIENCE_SECONDS: Final = 420.0
"""Longer than the five minutes until the reconciler looks again at what it lists."""
_SECOND_FAULT_SECONDS: Final = 6.0
"""How long a fault of this phase is left there."""


def run(context: Context) -> str:
    """Heal, go back.

    Raises:
        Stop: The gate does not open.
        RunFailure: A fault cannot be healed, or the promotion was refused.
    """
    if context.journal.moment("failed_back") is None:
        _heal_first(context)
        _second_fault(context)
        _go_back(context)
    return f"{context.target.primary} is active"


def _heal_first(context: Context) -> None:
    if context.journal.moment("healed") is None:
        fault_control.heal(context)
        context.journal.mark(context.phase, "healed")
        context.note("every fault is healed", level="good")


def _second_fault(context: Context) -> None:
    """Inject what the plan has for this phase, see that nobody goes back meanwhile, and heal it."""
    if not context.plan.faults_of(context.phase) or context.journal.moment("healed_again") is not None:
        return
    fault_control.inject(context, context.phase)
    reasons: list[str] = []
    for _ in context.waiting(_SECOND_FAULT_SECONDS):
        reasons = gate.reasons(context) or reasons
    said = f"the gate to go back is shut: {reasons[0]}" if reasons else "the gate to go back is open all the same"
    context.note(f"a second fault is there; {said}", level="warning")
    fault_control.heal(context)
    context.journal.mark(context.phase, "healed_again")


def _go_back(context: Context) -> None:
    reasons: list[str] = ["nothing was asked yet"]
    for _ in context.waiting(_PATIENCE_SECONDS):
        reasons = gate.reasons(context)
        if not reasons:
            break
        context.say(f"the gate is shut: {reasons[0]}")
    if reasons:
        raise Stop(f"The gate to go back did not open in {_PATIENCE_SECONDS:.0f} s: {'; '.join(reasons)}")
    context.journal.mark(context.phase, "gate_open")
    promotion = Register(context.target, context.target.primary).promote()
    for _ in context.waiting(_PATIENCE_SECONDS):
        if Register(context.target, context.target.secondary).active() == context.target.primary:
            break
    context.journal.mark(context.phase, "failed_back")
    context.note(f"{context.target.primary} is active again, epoch {promotion.epoch}", level="good")
