"""`grey`: the primary's region accepts requests but runs no functions; storage and replication continue."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Grey(Fault):
    """The region accepts requests and processes none of them."""

    name = "grey"
    title = "the primary's region accepts everything and runs nothing"
    loses_region = True
    seen_by_health_check = True

    def inject(self, injector: FaultInjector) -> str:
        """Stall the region."""
        injector.set_region_stalled(injector.target.primary, stalled=True)
        return f"{injector.target.primary} accepts everything and runs nothing"

    def heal(self, injector: FaultInjector) -> None:
        """Let the region continue with everything that it accepted."""
        injector.set_region_stalled(injector.target.primary, stalled=False)
