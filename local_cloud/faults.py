"""The faults that a person sets and clears on the local cloud, by the names that the drill uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local_cloud.fault_injector import USUAL_LAG_SECONDS, FaultInjector

_SHARE: Final = 0.5
_LAG_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault of a region, or between the regions.

    Attributes:
        effect: What it does, for the user.
        switch: Sets it (True) or clears it (False) in a region.
        is_active: Whether the cloud's `health()` shows it for a region.
        is_between: Whether it is one between all regions, so that the region does not matter.
        is_final: Whether it cannot be cleared.
    """

    effect: str
    switch: Callable[[FaultInjector, str, bool], None]
    is_active: Callable[[Mapping[str, Any], str], bool]
    is_between: bool = False
    is_final: bool = False


FAULTS: Final[Mapping[str, Fault]] = {
    "blackout": Fault(
        effect="answers nobody, runs and replicates nothing",
        switch=lambda at, region, on: (at.region_down if on else at.region_up)(region),
        is_active=lambda health, region: region in health["regions_down"],
    ),
    "grey": Fault(
        effect="accepts everything, runs nothing",
        switch=lambda at, region, on: (at.region_stall if on else at.region_unstall)(region),
        is_active=lambda health, region: region in health["regions_stalled"],
    ),
    "throttle": Fault(
        effect=f"DynamoDB throttles {_SHARE:.0%} of the functions' calls",
        switch=lambda at, region, on: at.set_throttle(region, _SHARE if on else 0),
        is_active=lambda health, region: region in health["throttled"],
    ),
    "crash": Fault(
        effect=f"{_SHARE:.0%} of the processors are killed between the records and RESULT",
        switch=lambda at, region, on: at.crash_processors(region, _SHARE if on else 0),
        is_active=lambda health, region: region in health["crashes"],
    ),
    "lost-answers": Fault(
        effect=f"{_SHARE:.0%} of the functions' requests take effect and lose their responses",
        switch=lambda at, region, on: at.set_lost_answers(region, _SHARE if on else 0),
        is_active=lambda health, region: region in health["answers_lost"],
    ),
    "destroy": Fault(
        effect="lost for good, with everything that is not replicated",
        switch=lambda at, region, on: (at.region_destroy if on else at.region_up)(region),
        is_active=lambda health, region: region in health["regions_destroyed"],
        is_final=True,
    ),
    "partition": Fault(
        effect="nothing is replicated, in either direction",
        switch=lambda at, _, on: at.partition(cut=on),
        is_active=lambda health, _: bool(health["replication"] == "cut"),
        is_between=True,
    ),
    "lag": Fault(
        effect=f"every write reaches the other region {_LAG_SECONDS:g} s late",
        switch=lambda at, _, on: at.set_replication_lag(_LAG_SECONDS if on else USUAL_LAG_SECONDS),
        is_active=lambda health, _: bool(health["replication_lag_seconds"] >= _LAG_SECONDS),
        is_between=True,
    ),
}
