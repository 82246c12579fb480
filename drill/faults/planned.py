"""`planned`: nothing is wrong; processing is moved all the same, as for maintenance."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Planned(Fault):
    """Both regions live."""

    name = "planned"
    title = "nothing is wrong: processing is moved as for maintenance"

    def inject(self, injector: FaultInjector) -> str:
        """Do nothing."""
        return f"both regions live; {injector.target.secondary} is promoted by plan"

    def heal(self, injector: FaultInjector) -> None:
        """Do nothing."""
