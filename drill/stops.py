"""Stop conditions, which end a drill before it does harm. The drill is then rolled back and reported as failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from drill.faults import FAULTS
from drill.journal import Journal
from drill.model import Sample
from operations.errors import RunFailure

MOST_LAG_SECONDS: Final = 60.0
"""Replication lag in seconds beyond which a growing lag ends the drill."""
_GROWING: Final = 10
"""Number of consecutive samples in which the lag must grow."""


class Stop(RunFailure):
    """Raised when a stop condition holds."""


class StopConditions:
    """The conditions, which are checked against samples."""

    def __init__(self, journal: Journal, regions: tuple[str, str]) -> None:
        self._journal = journal
        self._lags: dict[str, list[float]] = {region: [] for region in regions}

    def check(self, latest: Mapping[str, Sample], ringing: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        """Return if the drill may continue.

        Args:
            latest: The newest sample of each region.
            ringing: The plan's abort alarms that are in ALARM, by region.

        Raises:
            Stop: An abort alarm is in ALARM; or replication falls behind, or messages become dead letters, without a fault
                that causes it.
        """
        for region, names in ringing.items():
            if names:
                raise Stop(
                    f"The plan's abort alarm {names[0]} is in ALARM in {region}.",
                    hint="Look at the cause in the runbook's table of alarms before the next drill.",
                )
        for region, sample in latest.items():
            self._check_lag(region, sample)
            self._check_dead_letters(region, sample)

    def _check_lag(self, region: str, sample: Sample) -> None:
        lags = self._lags[region]
        if sample.replication_lag is None or self._was_injected("stops_replication"):
            lags.clear()
            return
        if not lags or lags[-1] != sample.replication_lag:
            lags.append(sample.replication_lag)
        grown = lags[-_GROWING:]
        if len(grown) == _GROWING and grown == sorted(grown) and grown[-1] > MOST_LAG_SECONDS:
            raise Stop(
                f"{region} is {grown[-1]:.0f} s behind the other region and falls further behind, though no fault stops "
                "replication.",
                hint="Fix replication before the next drill.",
            )

    def _check_dead_letters(self, region: str, sample: Sample) -> None:
        before = self._journal.fact("dead_letters_before")
        if before is None or sample.dead_letters is None or self._was_injected("makes_dead_letters"):
            return
        flood = self._journal.fact("flooded") or 0
        # A quarantined file leaves a dead letter, in each region that processes it.
        unreadable = self._journal.fact("unreadable_files") or 0
        allowed = before.get(region, 0) + flood + unreadable
        if sample.dead_letters > allowed:
            raise Stop(
                f"The dead-letter queue of {region} holds {sample.dead_letters} messages; {allowed} were there or injected.",
                hint="Look at what they are about: `lockstep status`, then the runbook.",
            )

    def _was_injected(self, trait: str) -> bool:
        """Return whether a fault of this kind is or was active, because its effects outlast it."""
        return any(getattr(FAULTS[entry.data["name"]], trait) for entry in self._journal.of("fault injecting"))
