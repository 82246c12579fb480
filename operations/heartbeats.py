"""Read heartbeats by their documented layout: six numbers that a region's observer writes each minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

NUMBERS: Final = ("canary_seconds", "queue_depth", "shadow_age", "dead_letters", "replication_pending", "epoch")
"""The numbers of a heartbeat. A number that could not be measured is absent."""
MOST_SECONDS: Final = 180.0
"""Maximum age: after that the observer has stopped or replication is behind."""


@dataclass(frozen=True)
class Heartbeat:
    """A heartbeat of a region's observer.

    Attributes:
        at: Epoch seconds at which it was written.
        numbers: The measured ones of `NUMBERS`; `canary_seconds` is negative if the canary was not processed in time.
        api_url: URL of the region's API; "" if the row has none.
    """

    at: float
    numbers: dict[str, float] = field(default_factory=dict)
    api_url: str = ""

    def age(self, now: float) -> float:
        """Return the age in seconds; 0 if the observer's clock is ahead."""
        return max(0.0, now - self.at)


def read(client: Any, table: str, region: str) -> Heartbeat | None:  # noqa: ANN401 - a boto3 client
    """Return a region's newest heartbeat in a replica; None if there is none."""
    key = {"pk": {"S": f"HEARTBEAT#{region}"}, "sk": {"S": "LATEST"}}
    row = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
    at = _number(row, "at")
    if at is None:
        return None
    numbers = {name: number for name in NUMBERS if (number := _number(row, name)) is not None}
    return Heartbeat(at, numbers, row.get("api_url", {}).get("S", ""))


def _number(row: dict[str, Any], name: str) -> float | None:
    """Return an attribute if it is a finite number, else None, so that a malformed row does not stop `status`."""
    try:
        number = float(row[name]["N"])
    except (KeyError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
