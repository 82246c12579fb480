"""The local cloud as a drill's target: its control surface makes the faults true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from drill.targets.live import deny_table
from local_cloud.fault_injector import FaultInjector
from local_cloud.hazards import HAZARDS
from operations.deployment import Deployment
from operations.target import Target

USUAL_LAG_SECONDS: Final = 0.05


@dataclass(frozen=True)
class LocalTarget:
    """The platform on a local cloud.

    Attributes:
        target: The cloud.
        deployment: The platform.
        source: Of the drill's uploads.
    """

    target: Target
    deployment: Deployment
    source: str

    @property
    def fault_injector(self) -> FaultInjector:
        """The cloud's control surface."""
        return FaultInjector(str(self.target.endpoint_url), self.target.secret())

    def name_server(self) -> str | None:
        """Where the cloud's name server answers."""
        server = self.fault_injector.health().get("name_server")
        return str(server) if server else None

    def set_region_down(self, region: str, *, down: bool) -> None:
        """Take a region away, or bring it back."""
        (self.fault_injector.region_down if down else self.fault_injector.region_up)(region)

    def destroy_region(self, region: str) -> None:
        """Take a region away for good, with everything that had not left it."""
        self.fault_injector.region_destroy(region)

    def set_region_stalled(self, region: str, *, stalled: bool) -> None:
        """Let a region accept everything and run nothing, or continue."""
        (self.fault_injector.region_stall if stalled else self.fault_injector.region_unstall)(region)

    def set_partition(self, *, cut: bool) -> None:
        """Cut replication between the regions, or restore it."""
        self.fault_injector.partition(cut=cut)

    def set_hazards(self, strengths: Mapping[str, float | None]) -> None:
        """Set the strength of hazards, by name; None: the usual one."""
        for name, strength in strengths.items():
            self.fault_injector.set_hazard(name, HAZARDS[name].strength if strength is None else strength)

    def set_outage(self, mode: str) -> bool:
        """Let a lost region fail its clients by `hang` or `refuse`."""
        self.fault_injector.set_outage(mode)
        return True

    def set_lag(self, seconds: float | None) -> None:
        """Make replication slow by so many seconds; None: as it is usually."""
        self.fault_injector.set_replication_lag(USUAL_LAG_SECONDS if seconds is None else seconds)

    def set_throttle(self, region: str, share: float) -> None:
        """Have a share of the functions' table calls throttled in a region."""
        self.fault_injector.set_throttle(region, share)

    def set_denied(self, region: str, *, denied: bool) -> None:
        """Put a denying policy on the role of a region's processor, or take it away."""
        iam, role = self._processor_role(region)
        deny_table(iam, role, denied=denied)

    def _processor_role(self, region: str) -> tuple[Any, str]:
        name = self.deployment.regional[region]["ProcessorFunctionName"]
        held = self.target.client("lambda", region).get_function_configuration(FunctionName=name)
        return self.target.client("iam", region), str(held["Role"]).rpartition("/")[2]
