"""inject: the fault is there from here on; and the first file of a client that knows nothing of it goes out."""

from __future__ import annotations

from drill import fault_control
from drill.context import Context
from drill.load.items import Wave


def run(context: Context) -> str:
    """Note the moment, and upload one file.

    Raises:
        RunFailure: The client could not upload it in any region.
    """
    if fault_control.main(context.plan) is None:
        context.journal.mark(context.phase, "fault")
    context.sender.send(context.wave(Wave.DURING)[:1], context.on_event)
    there = fault_control.active_faults(context.journal)
    return f"there now: {', '.join(there) or 'nothing'}"
