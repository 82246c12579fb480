"""The faults, one module each: what each does to a platform, how it is healed, and who detects it."""

from __future__ import annotations

from typing import Final

from drill.faults.blackout import Blackout
from drill.faults.destroy import Destroy
from drill.faults.dlq_flood import DlqFlood
from drill.faults.fault import Fault
from drill.faults.grey import Grey
from drill.faults.lag import Lag
from drill.faults.partition import Partition
from drill.faults.permission import Permission
from drill.faults.planned import Planned
from drill.faults.reorder import Reorder
from drill.faults.throttle import Throttle

FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault
    for fault in (
        *(Planned(), Grey(), Blackout(), Destroy(), Partition()),
        *(Lag(), Reorder(), Throttle(), Permission(), DlqFlood()),
    )
}

__all__ = ["FAULTS", "Fault"]
