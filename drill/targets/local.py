"""The local cloud as a drill's target. Its control surface injects the faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drill.targets.live import deny_table
from local_cloud.fault_injector import USUAL_LAG_SECONDS, FaultInjector
from local_cloud.hazards import HAZARDS
from operations.deployment import Deployment
from operations.target import Target


@dataclass(frozen=True)
class LocalTarget:
    """The platform on a local cloud."""

    target: Target
    deployment: Deployment
    source: str

    @property
    def fault_injector(self) -> FaultInjector:
        """The cloud's control surface."""
        return FaultInjector(str(self.target.endpoint_url), self.target.secret())

    def name_server(self) -> str | None:
        """The address of the cloud's name server."""
        server = self.fault_injector.health().get("name_server")
        return str(server) if server else None

    def set_region_down(self, region: str, *, down: bool) -> None:
        """Make a region unavailable, or available again."""
        (self.fault_injector.region_down if down else self.fault_injector.region_up)(region)

    def destroy_region(self, region: str) -> None:
        """Destroy a region with everything that was not replicated."""
        self.fault_injector.region_destroy(region)

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        """Stop a region's functions while it accepts requests, or start them again."""
        (self.fault_injector.region_stall if stalled else self.fault_injector.region_unstall)(region)

    def set_partition(self, *, cut: bool) -> None:
        """Cut replication between the regions, or restore it."""
        self.fault_injector.partition(cut=cut)

    def set_hazards(self, strengths: Mapping[str, float | None]) -> None:
        """Set the strength of hazards, by name; None restores the usual strengths."""
        for name, strength in strengths.items():
            self.fault_injector.set_hazard(name, HAZARDS[name].strength if strength is None else strength)

    def set_outage(self, mode: str) -> bool:
        """Set how a lost region fails requests, `hang` or `refuse`."""
        self.fault_injector.set_outage(mode)
        return True

    def set_lag(self, seconds: float | None) -> None:
        """Delay replication by this many seconds; None restores the usual delay."""
        self.fault_injector.set_replication_lag(USUAL_LAG_SECONDS if seconds is None else seconds)

    def set_throttle(self, region: str, share: float) -> None:
        """Throttle a share of the functions' table calls in a region."""
        self.fault_injector.set_throttle(region, share)

    def set_crash(self, region: str, share: float) -> None:
        """Kill a share of a region's processors between the records and RESULT."""
        self.fault_injector.crash_processors(region, share)

    def return_messages(self, region: str) -> None:
        """Let messages in flight return at once, as after their visibility timeout."""
        self.fault_injector.return_messages(region)

    def set_denied(self, region: str, *, denied: bool) -> None:
        """Add a denying policy to the role of a region's processor, or remove it."""
        iam, role = self._processor_role(region)
        deny_table(iam, role, denied=denied)

    def _processor_role(self, region: str) -> tuple[Any, str]:
        name = self.deployment.regional[region]["ProcessorFunctionName"]
        held = self.target.client("lambda", region).get_function_configuration(FunctionName=name)
        return self.target.client("iam", region), str(held["Role"]).rpartition("/")[2]
