"""When a region may promote itself, where its settings let it.

Only the secondary, only while it is passive and ready itself, and only when two independent signals (the peer's heartbeat
in the peer's own table, and the peer's own API) have both said for three runs in a row that the peer is dead. A heartbeat
that arrives by replication meanwhile is a sign of life: then it is this region's way to the peer that is cut. Failback
is never done here: the primary never promotes itself.
"""

from dataclasses import dataclass
from typing import Final

RUNS: Final = 3
LONGEST_GAP_SECONDS: Final = 150.0
"""Between two runs in a row: a run that came a little late is in, one that was missed is not."""


@dataclass(frozen=True)
class Streak:
    """Runs in a row in which the peer was dead."""

    runs: int = 0
    last_at: float = 0.0
    """The scheduled time of the last, in epoch seconds."""
    heartbeat_at: float | None = None
    """When the peer wrote the heartbeat that this region's replica held, by the peer's clock; None if it held none."""

    def followed_by(self, *, is_dead: bool, run_at: float, heartbeat_at: float | None) -> "Streak":
        """Return the streak with one more run.

        Args:
            is_dead: Whether that run saw both signals.
            run_at: Its scheduled time. A run that comes twice counts once.
            heartbeat_at: When the peer wrote the heartbeat that this region's replica holds; None if there is none, or
                it cannot be read.
        """
        if not is_dead:
            return Streak()
        is_in_a_row = self.runs > 0 and 0 <= run_at - self.last_at <= LONGEST_GAP_SECONDS
        if not is_in_a_row or self._is_sign_of_life(heartbeat_at):
            return Streak(1, run_at, heartbeat_at)
        runs = self.runs if run_at == self.last_at else self.runs + 1
        return Streak(runs, run_at, self.heartbeat_at if self.heartbeat_at is not None else heartbeat_at)

    def _is_sign_of_life(self, heartbeat_at: float | None) -> bool:
        """Return whether the peer has written since; the two times are of one clock."""
        return self.heartbeat_at is not None and heartbeat_at is not None and heartbeat_at > self.heartbeat_at


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that the decision depends on."""

    is_enabled: bool
    region: str
    primary_region: str
    active_region: str | None
    """By this region's replica; None if it cannot be read."""
    is_ready: bool
    """Whether this region's own API says that it can do the work."""
    streak: Streak

    @property
    def must_promote(self) -> bool:
        """Whether this region shall claim to be active, now."""
        return (
            self.is_enabled
            and self.region != self.primary_region
            and self.active_region is not None
            and self.active_region != self.region
            and self.is_ready
            and self.streak.runs >= RUNS
        )
