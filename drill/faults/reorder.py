"""`reorder`: events and messages come in another order, late and twice, and items replicate out of order."""

from __future__ import annotations

from typing import Final

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector

STRENGTHS: Final = {
    "message-order": 1.0,
    "message-duplicates": 0.1,
    "event-delays": 4.0,
    "event-duplicates": 0.3,
    "replication-tail": 3.0,
}
"""The strength of each hazard of the local cloud during the fault (docs/local_cloud.md), far above the usual one."""


class Reorder(Fault):
    """The disorder that AWS allows at any time happens all the time, in both regions."""

    name = "reorder"
    title = "events, messages and replicated items come out of order, late and twice"
    stops_replication = True
    is_made_on_aws = False

    def inject(self, injector: FaultInjector) -> str:
        """Strengthen the hazards."""
        injector.set_hazards(STRENGTHS)
        return "events and messages come in another order, late and twice; items replicate out of order"

    def heal(self, injector: FaultInjector) -> None:
        """Restore the usual strengths."""
        injector.set_hazards(dict.fromkeys(STRENGTHS))
