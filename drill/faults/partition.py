"""`partition`: both regions work, and replication between them is cut."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Partition(Fault):
    """Replication stops both ways. Each region serves its clients with the last state that was replicated to it."""

    name = "partition"
    title = "both regions work, replication stops"
    stops_replication = True

    def inject(self, injector: FaultInjector) -> str:
        """Cut replication."""
        injector.set_partition(cut=True)
        return "nothing is replicated, in either direction"

    def heal(self, injector: FaultInjector) -> None:
        """Restore replication."""
        injector.set_partition(cut=False)
