"""`planned`: no fault; processing moves to the other region, as for maintenance."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Planned(Fault):
    """Both regions work."""

    name = "planned"
    title = "no fault: processing moves as for maintenance"

    def inject(self, injector: FaultInjector) -> str:
        """Do nothing."""
        return f"both regions work; {injector.target.secondary} is promoted by plan"

    def heal(self, injector: FaultInjector) -> None:
        """Do nothing."""
