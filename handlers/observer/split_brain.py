"""Compare the two replicas of the control register for different active regions."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.shared.claims import highest


@dataclass(frozen=True)
class Verdict:
    """The active region of each replica."""

    active_here: str
    """Active region in this region's replica."""
    active_there: str
    """Active region in the peer's replica."""

    @property
    def is_split(self) -> bool:
        """Whether they differ: each region acts as the active one, or neither does."""
        return self.active_here != self.active_there


def compare(here: Mapping[str, int], there: Mapping[str, int], *, primary_region: str) -> Verdict:
    """Compare two views of the register: epoch by region, as each replica holds them.

    After a promotion they differ during replication, for about a second; a difference in one run raises no alarm.
    """
    return Verdict(
        active_here=highest(here, primary_region=primary_region).region,
        active_there=highest(there, primary_region=primary_region).region,
    )
