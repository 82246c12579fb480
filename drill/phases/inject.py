"""inject: hold objects at every station, inject the fault, and measure the first good writes of new clients."""

from __future__ import annotations

from drill import fault_control
from drill.context import Context
from drill.faults import FAULTS
from drill.load.items import Wave
from drill.stations import Stations


def run(context: Context) -> str:
    """Record the time of the fault, and upload two files."""
    lost = [one for one in fault_control.active_faults(context.journal) if FAULTS[one].loses_region]
    has_stations = context.plan.mode == "local" and context.journal.moment("fault") is None and not lost
    stations = Stations(context)
    if lost and context.journal.fact("stations") is None:
        context.note(f"no object is held at a station: {', '.join(lost)} came before", level="warning")
    if has_stations:
        stations.place()
    fault_control.inject(context, context.phase)
    if fault_control.main(context.plan) is None:
        context.journal.mark(context.phase, "fault")
    if has_stations:
        stations.leave()
    else:
        stations.send()
    context.flow.start()
    _first_writes(context)
    stations.finish()
    context.finish_uploads = stations.finish_parts
    there = fault_control.active_faults(context.journal)
    return f"there now: {', '.join(there) or 'nothing'}"


def _first_writes(context: Context) -> None:
    """Measure the first good write of a new client twice: the lost region hangs, and the lost region refuses at once."""
    first, second = ([*context.wave(Wave.DURING)[:2], None, None])[:2]
    if first is None:
        return
    context.platform.set_outage("hang")
    context.sender.send([first], context.on_event_marking("first_good_write_helper"))
    if second is not None and context.platform.set_outage("refuse"):
        context.journal.mark(context.phase, "refused_began")
        context.sender.send([second], context.on_event_marking("first_good_write_refused"))
        context.platform.set_outage("hang")
