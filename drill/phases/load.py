"""load: upload the files of the time before the fault; the response to one upload is lost."""

from __future__ import annotations

from typing import Final

from drill import fault_control
from drill.context import Context
from drill.faults import FAULTS
from drill.load.items import Shape, Wave
from drill.load.sending import LosingTransport
from drill.order import OrderWatch

_SETTLE_SECONDS: Final = 60.0
_WORK_OFF_SECONDS: Final = 900.0
_UNDER_WAY: Final = 100


def run(context: Context) -> str:
    """Upload the files, and ask the platform for their states."""
    wave = context.wave(Wave.BEFORE)
    lost = frozenset(one.item.key for one in wave[:1])
    if lost:
        context.note("one PUT arrives and its answer is lost: the client retries in the other region")
    order = OrderWatch(context)
    order.start([one for one in wave if one.shape is Shape.LARGE])
    try:
        on_event = context.on_event_marking("first_good_write_helper")  # of a fault that is there already
        context.sender.send(wave, on_event, transport=LosingTransport(context.sender.transport(), lost))
        if silent := [one for one in fault_control.active_faults(context.journal) if FAULTS[one].takes_apis]:
            context.note(f"no file is put into the primary's bucket: {', '.join(silent)} came before", level="warning")
        else:
            context.put_directly(context.target.primary)
        context.note(f"{len(wave)} files uploaded, {len(context.sender.direct())} put without the issuer")
        _settle(context)
    finally:
        order.stop()
    context.sender.ask_states()
    states = [str(one.state) for one in context.sender.receipts()]
    counts = {state: states.count(state) for state in sorted(set(states))}
    context.journal.state(context.phase, "states_before", counts)
    return f"{len(wave)} of {context.plan.objects} files uploaded: {counts}"


def _work_off(context: Context) -> None:
    """Wait until the backlog is that of a steady stream. Otherwise the drill measures the recovery from a bulk load."""
    for _ in context.waiting(_WORK_OFF_SECONDS):
        left = min(context.watch.pending(region) for region in context.target.regions)
        context.say(f"{left} of the files are in process")
        if left <= _UNDER_WAY or fault_control.active_faults(context.journal):
            return
    context.note(f"more than {_UNDER_WAY} files are in process at the fault", level="warning")


def _settle(context: Context) -> None:
    """Let health checks recover from the load, so that later signals are of the fault."""
    primary = context.target.primary
    _work_off(context)
    if not fault_control.active_faults(context.journal) and context.dns.answered() is not None:
        for _ in context.waiting(_SETTLE_SECONDS):
            if context.dns.answered() == primary:
                break
        else:
            context.note(f"DNS does not name {primary} before the fault", level="warning")
    # A client has a cached answer when the fault comes, and uses it for its time to live.
    context.dns.followed()
