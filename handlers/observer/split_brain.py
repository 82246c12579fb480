"""Whether the two replicas of the control register name different regions."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.shared.claims import highest


@dataclass(frozen=True)
class Verdict:
    """What the two views come to."""

    active_here: str
    """Who is active by this region's replica."""
    active_there: str
    """Who is active by the peer's."""

    @property
    def is_split(self) -> bool:
        """Whether they differ: each region takes itself for the active one, or neither does."""
        return self.active_here != self.active_there


def compare(here: Mapping[str, int], there: Mapping[str, int], *, primary_region: str) -> Verdict:
    """Compare two views of the register: epoch by region, as each replica holds them.

    After a promotion they differ for as long as replication takes, about a second; that one run sees it is no alarm.
    """
    return Verdict(
        active_here=highest(here, primary_region=primary_region).region,
        active_there=highest(there, primary_region=primary_region).region,
    )
