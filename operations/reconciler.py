"""Read the row of a region's reconciler by its documented layout: the objects whose state is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

MOST_SECONDS: Final = 1800.0
"""Maximum age of the row. The reconciler runs every five minutes; an older row means that it has stopped."""


@dataclass(frozen=True)
class Reconciled:
    """The findings of a region's reconciler.

    Attributes:
        at: Epoch seconds of its last run.
        work: Number of objects whose state is wrong.
        findings: One text an object: the kind of fault, the key, and how often it was sent again.
    """

    at: float
    work: int = 0
    findings: tuple[str, ...] = ()

    def age(self, now: float) -> float:
        """Return the seconds since its last run; 0 if the reconciler's clock is ahead."""
        return max(0.0, now - self.at)


def read(client: Any, table: str, region: str) -> Reconciled | None:  # noqa: ANN401 - a boto3 client
    """Return the findings of a region's last reconciler run; None if it never ran.

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
