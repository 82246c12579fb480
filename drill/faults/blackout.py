"""`blackout`: the primary's region answers nothing, runs nothing, delivers nothing and replicates nothing."""

from __future__ import annotations

from drill.faults.fault import Fault
from drill.targets.fault_injector import Powers


class Blackout(Fault):
    """The region is gone."""

    name = "blackout"
    title = "the primary's region answers nothing"
    loses_region = True
    seen_by_health_check = True
    stops_replication = True

    def inject(self, powers: Powers) -> str:
        """Take the region away."""
        powers.set_region_down(powers.target.primary, down=True)
        return f"{powers.target.primary} answers nothing"

    def heal(self, powers: Powers) -> None:
        """Bring it back."""
        powers.set_region_down(powers.target.primary, down=False)
