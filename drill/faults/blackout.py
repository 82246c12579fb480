"""`blackout`: the primary's region answers nothing, runs nothing, delivers nothing and replicates nothing."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Blackout(Fault):
    """The region is gone."""

    name = "blackout"
    title = "the primary's region answers nothing"
    loses_region = True
    seen_by_health_check = True
    stops_replication = True

    def inject(self, injector: FaultInjector) -> str:
        """Take the region away."""
        injector.set_region_down(injector.target.primary, down=True)
        return f"{injector.target.primary} answers nothing"

    def heal(self, injector: FaultInjector) -> None:
        """Bring it back."""
        injector.set_region_down(injector.target.primary, down=False)
