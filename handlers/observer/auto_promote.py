"""Decide whether a region may promote itself, if its settings allow it.

Only the secondary may, and only while it is passive and ready. Two independent signals (the peer's heartbeat in the peer's
own table, and the peer's API) must both show a dead peer in three consecutive runs. A heartbeat that arrives by replication
in between is a sign of life: then only this region's connection to the peer is broken. Failback is never automatic: the
primary never promotes itself.
"""

from dataclasses import dataclass
from typing import Final

RUNS: Final = 3
LONGEST_GAP_SECONDS: Final = 150.0
"""Longest time between two consecutive runs: it allows a late run, and no missed one."""


@dataclass(frozen=True)
class Streak:
    """Consecutive runs in which the peer was dead."""

    runs: int = 0
    last_at: float = 0.0
    """Scheduled time of the last run, in epoch seconds."""
    heartbeat_at: float | None = None
    """When the peer wrote the heartbeat in this region's replica, by the peer's clock; None if there was none."""

    def followed_by(self, *, is_dead: bool, run_at: float, heartbeat_at: float | None) -> "Streak":
        """Return the streak with one more run.

        Args:
            is_dead: Whether that run had both signals.
            run_at: Scheduled time of the run. A repeated run counts once.
            heartbeat_at: When the peer wrote the heartbeat in this region's replica; None if there is none or it cannot
                be read.
        """
        if not is_dead:
            return Streak()
        is_in_a_row = self.runs > 0 and 0 <= run_at - self.last_at <= LONGEST_GAP_SECONDS
        if not is_in_a_row or self._is_sign_of_life(heartbeat_at):
            return Streak(1, run_at, heartbeat_at)
        runs = self.runs if run_at == self.last_at else self.runs + 1
        return Streak(runs, run_at, self.heartbeat_at if self.heartbeat_at is not None else heartbeat_at)

    def _is_sign_of_life(self, heartbeat_at: float | None) -> bool:
        """Return whether the peer has written a newer heartbeat; both times are from the peer's clock."""
        return self.heartbeat_at is not None and heartbeat_at is not None and heartbeat_at > self.heartbeat_at


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The inputs of the decision."""

    is_enabled: bool
    region: str
    primary_region: str
    active_region: str | None
    """Active region in this region's replica; None if it cannot be read."""
    is_ready: bool
    """Whether this region's API reports that it is ready."""
    streak: Streak

    @property
    def must_promote(self) -> bool:
        """Whether this region must claim the active role now."""
        return (
            self.is_enabled
            and self.region != self.primary_region
            and self.active_region is not None
            and self.active_region != self.region
            and self.is_ready
            and self.streak.runs >= RUNS
        )
