"""`grey`: the primary's region accepts and stalls; storage and replication go on, and nothing is run."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Grey(Fault):
    """The region is neither dead nor alive."""

    name = "grey"
    title = "the primary's region accepts everything and runs nothing"
    loses_region = True
    seen_by_health_check = True

    def inject(self, injector: FaultInjector) -> str:
        """Stall the region."""
        injector.set_region_stalled(injector.target.primary, stalled=True)
        return f"{injector.target.primary} accepts everything and runs nothing"

    def heal(self, injector: FaultInjector) -> None:
        """Let it go on, with all that it has accepted."""
        injector.set_region_stalled(injector.target.primary, stalled=False)
