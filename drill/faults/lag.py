"""`lag`: replication is slow."""

from __future__ import annotations

from typing import Final

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector

SECONDS: Final = 4.0
"""Delay of every write, many times the usual one."""


class Lag(Fault):
    """Every write is replicated late."""

    name = "lag"
    title = f"replication is {SECONDS:g} s late"
    stops_replication = True
    is_made_on_aws = False

    def inject(self, injector: FaultInjector) -> str:
        """Slow replication down."""
        injector.set_lag(SECONDS)
        return f"every write reaches the other region {SECONDS:g} s late"

    def heal(self, injector: FaultInjector) -> None:
        """Restore the usual speed."""
        injector.set_lag(None)
