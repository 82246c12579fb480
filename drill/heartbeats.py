"""What each region's observer says of its region: its newest heartbeat, by the table's documented layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from operations.deployment import Deployment

MOST_SECONDS: Final = 180.0
"""An older one is of an observer that has stopped."""


@dataclass(frozen=True)
class Heartbeat:
    """A heartbeat; a number that the observer could not measure is None.

    Attributes:
        at: When it was written, epoch seconds.
        canary_seconds: How long the last canary took; below 0: it was not done in time.
        replication_pending: Objects of the other region's bucket that have not arrived in this one's.
    """

    at: float
    canary_seconds: float | None = None
    replication_pending: float | None = None


def read(deployment: Deployment, region: str) -> Heartbeat | None:
    """Return a region's heartbeat from its own replica; None if none was written yet.

    Raises:
        ClientError: The table refused.
        BotoCoreError: It did not answer.
    """
    key = {"pk": {"S": f"HEARTBEAT#{region}"}, "sk": {"S": "LATEST"}}
    client: Any = deployment.client("dynamodb", region)
    answer = client.get_item(TableName=deployment.table(region), Key=key, ConsistentRead=True)
    at = _number(answer.get("Item", {}), "at")
    if at is None:
        return None
    row = answer["Item"]
    return Heartbeat(at, _number(row, "canary_seconds"), _number(row, "replication_pending"))


def _number(row: dict[str, Any], name: str) -> float | None:
    held = row.get(name, {}).get("N")
    return None if held is None else float(held)
