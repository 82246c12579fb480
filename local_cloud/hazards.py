"""The hazards of AWS that need no fault: late, repeated, reordered and partial results, which occur on any day.

Each hazard has a strength. They are on from the start, unless the cloud is started calm, and one seed determines every draw.
`docs/local_cloud.md` lists the source of each.
"""

from __future__ import annotations

import math
import os
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SEED_VARIABLE: Final = "LOCAL_CLOUD_SEED"
CALM_VARIABLE: Final = "LOCAL_CLOUD_CALM"
SLOW_VARIABLE: Final = "LOCAL_CLOUD_SLOW"
_SEEDS: Final = 1_000_000
_OF_DELAYS: Final = "times the usual tail"


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """A behaviour of AWS that needs no fault."""

    strength: float
    most: float
    unit: str
    effect: str


HAZARDS: Final[Mapping[str, Hazard]] = MappingProxyType(
    {
        "replication-tail": Hazard(
            strength=1.0,
            most=100.0,
            unit=_OF_DELAYS,
            effect="each item replicates after a heavy-tailed time of its own, in no order between items",
        ),
        "clock-skew": Hazard(
            strength=0.2, most=60.0, unit="seconds", effect="regions' clocks differ by up to twice as much"
        ),
        "index-lag": Hazard(strength=1.0, most=100.0, unit=_OF_DELAYS, effect="global secondary indexes show writes later"),
        "partial-batches": Hazard(
            strength=0.02, most=1.0, unit="share of batches", effect="half of a function's batch stays unprocessed"
        ),
        "hot-partitions": Hazard(
            strength=1.0,
            most=1000.0,
            unit="times as strict as AWS",
            effect="a partition key takes 1,000 write units a second",
        ),
        "event-delays": Hazard(strength=1.0, most=100.0, unit=_OF_DELAYS, effect="S3 events come late, in any order"),
        "event-duplicates": Hazard(strength=0.02, most=1.0, unit="share of events", effect="an S3 event comes twice"),
        "message-order": Hazard(
            strength=0.5, most=1.0, unit="share of receipts", effect="a standard queue hands messages out in another order"
        ),
        "message-duplicates": Hazard(
            strength=0.005, most=1.0, unit="share of messages", effect="a standard queue hands a deleted message out again"
        ),
    }
)
_TAIL_SHAPE: Final = 1 / 0.8
_TAIL_MEDIAN: Final = 0.5**_TAIL_SHAPE


class Hazards:
    """The strength of each hazard, and the draws.

    Attributes:
        seed: Determines every draw, if the same requests come in the same order.
        strengths: Strength of each hazard, by name; 0 means that it does not happen.
    """

    def __init__(self) -> None:
        self.seed = 0
        self.strengths = dict.fromkeys(HAZARDS, 0.0)
        self._dice: dict[str, random.Random] = {}

    def begin(self, seed: int, *, calm: bool, slow: bool = False) -> None:
        """Restart the draws, with each hazard at its default, calm with none, or slow with every delay at its longest."""
        self.seed = seed
        delays = {name: hazard.most for name, hazard in HAZARDS.items() if slow and hazard.unit == _OF_DELAYS}
        self.strengths = {name: 0.0 if calm else delays.get(name, hazard.strength) for name, hazard in HAZARDS.items()}
        self._dice.clear()

    def set(self, name: str, strength: float) -> None:
        """Set the strength of a hazard."""
        if name not in HAZARDS:
            raise ValueError(f"There is no hazard {name!r}; there are: {', '.join(HAZARDS)}.")
        hazard = HAZARDS[name]
        if not 0 <= strength <= hazard.most:
            raise ValueError(f"The strength of {name} must be from 0 to {hazard.most:g} ({hazard.unit}); got {strength:g}.")
        self.strengths[name] = strength

    def happens(self, name: str) -> bool:
        """Draw whether a hazard occurs; its strength is the probability."""
        strength = self.strengths[name]
        return bool(strength) and self.dice(name).random() < strength

    def tail(self, name: str, stream: str, *, median: float, longest: float) -> float:
        """Draw a duration in seconds; 0 without the hazard, whose strength multiplies the median.

        AWS states no distribution. This is a Pareto distribution of shape 0.8, cut at `longest`: half of the draws are below
        `median`, and one in twenty is above seventeen times that.

        Args:
            name: The hazard.
            stream: Name of an independent sequence of draws, for example a service.
            median: Median of the draws in seconds.
            longest: Maximum of the draws in seconds.
        """
        strength = self.strengths[name]
        if not strength:
            return 0.0
        above = max(1.0 - self.dice(f"{name}/{stream}").random(), 1e-9)
        return min(strength * median * _TAIL_MEDIAN * math.pow(above, -_TAIL_SHAPE), longest)

    def skew(self, region: str) -> float:
        """Return the seconds by which a region's clock is ahead of this machine's; the same in each call."""
        return self.strengths["clock-skew"] * random.Random(f"{self.seed}/clock-skew/{region}").uniform(-1, 1)  # noqa: S311

    def dice(self, stream: str) -> random.Random:
        """Return the generator of one stream, which no other stream's draws change."""
        if stream not in self._dice:
            self._dice[stream] = random.Random(f"{self.seed}/{stream}")  # noqa: S311 - what happens is no secret
        return self._dice[stream]


current: Final = Hazards()


def chosen_seed(seed: int | None) -> int:
    """Return the seed: the given one, else the environment's, else a new one."""
    if seed is not None:
        return seed
    text = os.environ.get(SEED_VARIABLE)
    if not text:
        return secrets.randbelow(_SEEDS)
    if not text.isdecimal():
        raise ValueError(f"{SEED_VARIABLE} must be a whole number from 0 up; got {text!r}.")
    return int(text)


def is_calm(calm: bool | None) -> bool:  # noqa: FBT001 - the caller's own choice
    """Return whether the hazards are off: the argument, else the environment's value."""
    return _is_on(CALM_VARIABLE, "no hazards") if calm is None else calm


def is_slow() -> bool:
    """Return whether the environment asks for every delay at its longest."""
    return _is_on(SLOW_VARIABLE, "every delay at its longest")


def _is_on(variable: str, meaning: str) -> bool:
    text = os.environ.get(variable) or "0"
    if text not in ("0", "1"):
        raise ValueError(f"{variable} must be 1 ({meaning}) or 0; got {text!r}.")
    return text == "1"
