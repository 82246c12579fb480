"""`blackout`: no service of the primary's region answers, runs, delivers or replicates."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Blackout(Fault):
    """The primary's region is down."""

    name = "blackout"
    title = "the primary's region does not answer"
    loses_region = True
    seen_by_health_check = True
    stops_replication = True

    def inject(self, injector: FaultInjector) -> str:
        """Make the region unavailable."""
        injector.set_region_down(injector.target.primary, down=True)
        return f"{injector.target.primary} does not answer"

    def heal(self, injector: FaultInjector) -> None:
        """Make the region available again."""
        injector.set_region_down(injector.target.primary, down=False)
