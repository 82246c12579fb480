"""`planned`: nothing is wrong; processing is moved all the same, as for maintenance."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import Powers


class Planned(Fault):
    """Both regions live."""

    name = "planned"
    title = "nothing is wrong: processing is moved as for maintenance"

    def inject(self, powers: Powers) -> str:
        """Do nothing."""
        return f"both regions live; {powers.target.secondary} is promoted by plan"

    def heal(self, powers: Powers) -> None:
        """Do nothing."""
