"""`partition`: each region lives, and nothing travels between them."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector


class Partition(Fault):
    """Replication stops, both ways; each region serves its own clients, and both believe what they last heard."""

    name = "partition"
    title = "each region lives, replication stops"
    stops_replication = True

    def inject(self, injector: FaultInjector) -> str:
        """Cut the link."""
        injector.set_partition(cut=True)
        return "nothing is replicated, in either direction"

    def heal(self, injector: FaultInjector) -> None:
        """Restore it."""
        injector.set_partition(cut=False)
