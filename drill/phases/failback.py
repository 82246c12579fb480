"""failback: heal, wait until every failback check passes, and make the primary active again.

The checks are those of `operate failback`. The drill adds one: each object that it sent has its RESULT in both regions.
"""

from __future__ import annotations

import time
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from drill import fault_control
from drill.context import Context
from drill.phases import measure
from drill.stops import Stop
from operations import failback_checks, status
from operations.ledger import Ledger
from operations.register import Register

_PATIENCE_SECONDS: Final = 420.0
"""Longer than the five minutes between two runs of the reconciler."""
_SECOND_FAULT_SECONDS: Final = 6.0
"""Seconds that a fault of this phase stays active."""


def run(context: Context) -> str:
    """Heal the faults and fail back.

    Raises:
        Stop: A failback check does not pass in time.
        RunFailure: A fault cannot be healed, or the promotion was refused.
    """
    if fault_control.is_final(context.journal):
        return _continue_in_the_secondary(context)
    if context.journal.moment("failed_back") is None:
        _heal_first(context)
        _second_fault(context)
        _go_back(context)
    return f"{context.target.primary} is active"


def _continue_in_the_secondary(context: Context) -> str:
    """Follow the runbook for a region that does not come back: clients remove its endpoint, verify, and resume."""
    fault_control.heal(context)
    with context.flow.paused():
        again = context.sender.send_again(context.target.secondary, context.items, context.on_event)
        measure.wait_until_idle(context)
    context.note(f"{again} files that only the lost region held were sent again under their upload ids")
    return f"{context.target.primary} is lost for good; {context.target.secondary} stays active; {again} files sent again"


def _heal_first(context: Context) -> None:
    if context.journal.moment("healed") is None:
        fault_control.heal(context)
        context.journal.mark(context.phase, "healed")
        context.note("every fault is healed", level="good")


def _second_fault(context: Context) -> None:
    """Inject the plan's faults of this phase, record whether a failback is refused meanwhile, and heal them."""
    if not context.plan.faults_of(context.phase) or context.journal.moment("healed_again") is not None:
        return
    fault_control.inject(context, context.phase)
    reasons: list[str] = []
    for _ in context.waiting(_SECOND_FAULT_SECONDS):
        reasons = reasons_against(context) or reasons
    outcome = f"failback is refused: {reasons[0]}" if reasons else "failback is allowed"
    context.note(f"a second fault is active; {outcome}", level="warning")
    fault_control.heal(context)
    context.journal.mark(context.phase, "healed_again")


def _go_back(context: Context) -> None:
    reasons: list[str] = ["the failback checks have not run yet"]
    for _ in context.waiting(_PATIENCE_SECONDS):
        reasons = reasons_against(context)
        if not reasons:
            break
        context.say(f"failback waits: {reasons[0]}")
    if reasons:
        raise Stop(f"Failback was refused for {_PATIENCE_SECONDS:.0f} s: {'; '.join(reasons)}")
    context.journal.mark(context.phase, "gate_open")
    promotion = Register(context.target, context.target.primary).promote()
    active = ""
    for _ in context.waiting(_PATIENCE_SECONDS):
        active = Register(context.target, context.target.secondary).active()
        if active == context.target.primary:
            break
    else:
        raise Stop(
            f"{context.target.secondary} still shows {active} as active {_PATIENCE_SECONDS:.0f} s after "
            f"{context.target.primary} claimed epoch {promotion.epoch}.",
            hint="The claim has not replicated: look at both regions' claims with `lockstep status`.",
        )
    context.journal.mark(context.phase, "failed_back")
    context.note(f"{context.target.primary} is active again, epoch {promotion.epoch}", level="good")


def reasons_against(context: Context) -> list[str]:
    """Return why the primary may not become active yet, worst first; nothing if it may. It is decided after the healing."""
    journal = context.journal
    unmet = failback_checks.unmet(
        status.look(context.target),
        back_to=context.target.primary,
        now=time.time(),
        decided_at=journal.moment("healed_again") or journal.moment("healed"),
        time_factor=context.plan.time_factor,
    )
    return [one.text for one in unmet] or _missing(context)


def _missing(context: Context) -> list[str]:
    """Return a reason for each region that lacks RESULTs of the other one, because it would process those objects again.

    RESULT alone suffices here: the region that becomes active verifies the records at the message's delivery.
    """
    regions = context.target.regions
    try:
        for region in regions:
            context.watch.look(Ledger(context.deployment, region, fail_fast=True), all_of_them=True)
    except (ClientError, BotoCoreError) as error:
        return [f"a table does not answer: {error}"]
    missing = {region: len(context.watch.missing(region)) for region in regions}
    return [
        f"{region} has no RESULT yet of {count} objects that the other region has done"
        for region, count in missing.items()
        if count
    ]
