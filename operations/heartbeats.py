"""Heartbeats, by their documented layout: how a region is, in six numbers, as its own observer wrote them each minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

NUMBERS: Final = ("canary_seconds", "queue_depth", "shadow_age", "dead_letters", "replication_pending", "epoch")
"""What a heartbeat tells; what could not be measured is not in it."""
MOST_SECONDS: Final = 180.0
"""An older heartbeat is of an observer that has stopped, or has not come through."""


@dataclass(frozen=True)
class Heartbeat:
    """One heartbeat.

    Attributes:
        at: When it was written, in epoch seconds.
        numbers: Those of `NUMBERS` that were measured; the canary's is below 0 if it was not done in time.
        api_url: Where the region's API answers; "" if it does not say.
    """

    at: float
    numbers: dict[str, float] = field(default_factory=dict)
    api_url: str = ""

    def age(self, now: float) -> float:
        """Return its age in seconds; 0 if the two clocks differ that way."""
        return max(0.0, now - self.at)


def read(client: Any, table: str, region: str) -> Heartbeat | None:  # noqa: ANN401 - a boto3 client
    """Return a region's newest heartbeat that a replica holds; None if it holds none."""
    key = {"pk": {"S": f"HEARTBEAT#{region}"}, "sk": {"S": "LATEST"}}
    row = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
    at = _number(row, "at")
    if at is None:
        return None
    numbers = {name: number for name in NUMBERS if (number := _number(row, name)) is not None}
    return Heartbeat(at, numbers, row.get("api_url", {}).get("S", ""))


def _number(row: dict[str, Any], name: str) -> float | None:
    """Return an attribute that is a finite number; None for any other: a malformed row must not stop `status`."""
    try:
        number = float(row[name]["N"])
    except (KeyError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
