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
        """The source of the drill's uploads, which names the injected policies and experiments."""

    def name_server(self) -> str | None:
        """Return the name server of the failover record; None if this machine cannot reach one."""

    def set_region_down(self, region: str, *, down: bool) -> None:
        """Make a region unavailable, or available again."""

    def destroy_region(self, region: str) -> None:
        """Destroy a region with everything that was not replicated."""

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        """Stop a region's functions while it accepts requests, or start them again."""

    def set_partition(self, *, cut: bool) -> None:
        """Cut replication between the regions, or restore it."""

    def set_hazards(self, strengths: Mapping[str, float | None]) -> None:
        """Set the strength of hazards, by name; None restores the usual strengths."""

    def set_outage(self, mode: str) -> bool:
        """Set how a lost region fails requests, `hang` or `refuse`; return whether this platform supports it."""

    def set_lag(self, seconds: float | None) -> None:
        """Delay replication by this many seconds; None restores the usual delay."""

    def set_throttle(self, region: str, share: float) -> None:
        """Throttle a share of the functions' table calls in a region; 0 throttles none."""

    def set_crash(self, region: str, share: float) -> None:
        """Kill a share of a region's processors between the records and RESULT; 0 kills none."""

    def return_messages(self, region: str) -> None:
        """Let messages in flight return at once, as after their visibility timeout; no effect where this is impossible."""

    def set_denied(self, region: str, *, denied: bool) -> None:
        """Deny the table to the role of a region's processor, or allow it again."""
