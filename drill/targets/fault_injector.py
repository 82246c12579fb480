"""The interface between faults and targets. Each call sets a state, so it can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from operations.deployment import Deployment
from operations.target import Target


class FaultInjector(Protocol):
    """Injects faults into a deployed platform and heals them."""

    @property
    def target(self) -> Target:
        """The platform's cloud."""

    @property
    def deployment(self) -> Deployment:
        """The platform."""

    @property
    def source(self) -> str:
        """The source of the drill's uploads: what it makes carries it."""

    def name_server(self) -> str | None:
        """Return who answers for the failover record; None: nobody who can be asked from here."""

    def set_region_down(self, region: str, *, down: bool) -> None:
        """Take a region away, or bring it back."""

    def destroy_region(self, region: str) -> None:
        """Take a region away for good, with everything that had not left it."""

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        """Let a region accept everything and run nothing, or continue."""

    def set_partition(self, *, cut: bool) -> None:
        """Cut replication between the regions, or restore it."""

    def set_hazards(self, strengths: Mapping[str, float | None]) -> None:
        """Set the strength of hazards, by name; None: the usual one."""

    def set_outage(self, mode: str) -> bool:
        """Let a lost region fail its clients by `hang` or `refuse`; return whether this platform can."""

    def set_lag(self, seconds: float | None) -> None:
        """Make replication slow by so many seconds; None: as it is usually."""

    def set_throttle(self, region: str, share: float) -> None:
        """Have a share of the functions' table calls throttled in a region; 0: none."""

    def set_denied(self, region: str, *, denied: bool) -> None:
        """Take the table away from the role of a region's processor, or give it back."""
