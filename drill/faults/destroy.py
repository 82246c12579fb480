"""`destroy`: the primary's region is lost for good, with everything that had not left it."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Destroy(Fault):
    """The primary's region never comes back. The drill ends in the secondary: nothing is failed back."""

    name = "destroy"
    title = "the primary's region is lost for good, with everything unreplicated"
    loses_region = True
    seen_by_health_check = True
    stops_replication = True
    is_made_on_aws = False
    is_final = True

    def inject(self, injector: FaultInjector) -> str:
        """Destroy the region."""
        injector.destroy_region(injector.target.primary)
        return f"{injector.target.primary} is destroyed"

    def heal(self, injector: FaultInjector) -> None:
        """Do nothing: a destroyed region does not come back."""
