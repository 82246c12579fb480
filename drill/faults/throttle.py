"""`throttle`: the primary's table throttles most calls."""

from __future__ import annotations

from typing import Final

from drill.faults.fault import Fault
from drill.targets.fault_injector import FaultInjector

SHARE: Final = 0.7
"""Share of the functions' calls. With it a call that the SDK tries three times fails one time in three."""


class Throttle(Fault):
    """DynamoDB throttles the functions of the primary's region."""

    name = "throttle"
    title = f"the primary's table throttles {SHARE:.0%} of the functions' calls"
    makes_dead_letters = True
    is_made_on_aws = False

    def inject(self, injector: FaultInjector) -> str:
        """Throttle the calls."""
        injector.set_throttle(injector.target.primary, SHARE)
        return f"DynamoDB in {injector.target.primary} throttles {SHARE:.0%} of the functions' calls"

    def heal(self, injector: FaultInjector) -> None:
        """Stop throttling."""
        injector.set_throttle(injector.target.primary, 0)
