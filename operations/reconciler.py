"""What each region's reconciler lists: objects that are not what they must be, by its row's documented layout."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

MOST_SECONDS: Final = 1800.0
"""It runs every five minutes; an older row is of a reconciler that has stopped."""


@dataclass(frozen=True)
class Reconciled:
    """What a region's reconciler found.

    Attributes:
        at: When it last ran, in epoch seconds.
        work: How many objects are not what they must be.
        findings: What is wrong with each, and how often it was sent again.
    """

    at: float
    work: int = 0
    findings: tuple[str, ...] = ()

    def age(self, now: float) -> float:
        """Return how many seconds ago it last ran; 0 if the two clocks differ that way."""
        return max(0.0, now - self.at)


def read(client: Any, table: str, region: str) -> Reconciled | None:  # noqa: ANN401 - a boto3 client
    """Return what a region's reconciler found last; None if it never ran.

    Raises:
        KeyError, TypeError, ValueError: The row is malformed.
    """
    key = {"pk": {"S": f"RECONCILER#{region}"}, "sk": {"S": "LATEST"}}
    row = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    if row is None:
        return None
    findings = tuple(_described(one) for one in json.loads(row["notes"]["S"])["findings"])
    return Reconciled(float(row["at"]["N"]), int(row["work"]["N"]), findings)


def _described(finding: dict[str, Any]) -> str:
    what = finding["object_key"] or f"object {finding['object_id']}"
    sent = f", sent again {finding['sends']} times" if finding["sends"] else ""
    return f"{finding['kind']}: {what}{sent}"
