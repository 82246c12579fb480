"""Measure the longest time that an object was in one region only, by the services' own timestamps, for all objects.

S3 gives a replica the time of its original, so no bucket shows when a replica arrived
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html). The table does: the
functions of each region write a row when they begin an object, finish it, or find all its records in their replica. The
object is never in one region only for longer than the time until such a row.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from drill import fault_control
from drill.context import Context
from drill.proof.rows import Row, text
from drill.proof.scope import Scope
from operations.ledger import object_id as identity

_NOTED: Final = ("started_at", "settled_at", "processed_at")
_ROWS: Final[dict[str, Any]] = {
    "FilterExpression": "begins_with(pk, :object)",
    "ExpressionAttributeValues": {":object": {"S": "OBJ#"}},
    "ExpressionAttributeNames": {"#region": "region"},
    "ProjectionExpression": f"pk, sk, #region, {', '.join(_NOTED)}",
    "ConsistentRead": True,
}


def measure(context: Context) -> dict[str, dict[str, float | int | None]]:
    """Return the figures of the report, `seconds` and `objects`, by kind. A figure is None if it was not measured."""
    during = context.journal.fact("promise") or {}
    seconds = {"durable": None, "accepted": None, **during.get("seconds", {}), "one_region": _longest_in_one_region(context)}
    return {"seconds": seconds, "objects": {"durable": None, "accepted": None, **during.get("objects", {})}}


def _longest_in_one_region(context: Context) -> float | None:
    regions = context.target.regions
    if fault_control.is_final(context.journal):
        return None  # the objects that the lost region alone held are unknown
    try:
        stored = {region: dict(_stored(context, region)) for region in regions}
        rows = [row for region in regions for row in _rows(context, region)]
    except (ClientError, BotoCoreError):
        return None  # a region cannot be read, so the objects that it alone holds are unknown
    return longest(stored, rows, now=time.time())


def longest(stored: Mapping[str, Mapping[str, float]], rows: Iterable[Row], *, now: float) -> float | None:
    """Return the longest time in seconds that an object was in one region only; None without an object.

    Args:
        stored: By region, the time of each object's first version, epoch seconds, by object id.
        rows: The rows of objects in both replicas.
        now: Epoch seconds; the end of the time for an object without a row of the second region.
    """
    seen: dict[str, dict[str, float]] = {}
    for row in rows:
        region, at = _noted(row)
        if region:
            times = seen.setdefault(row["pk"]["S"].removeprefix("OBJ#"), {})
            times[region] = min(at, times.get(region, at))
    waits = []
    for object_id in set().union(*(held.keys() for held in stored.values())):
        began = min(held[object_id] for held in stored.values() if object_id in held)
        arrived = max(seen.get(object_id, {}).get(region, now) for region in stored)
        waits.append(max(0.0, arrived - began))
    return round(max(waits), 2) if waits else None


def _noted(row: Row) -> tuple[str, float]:
    """Return the region whose functions wrote that they hold an object, and the time; "" for any other row."""
    kind, _, region = row["sk"]["S"].partition("#")
    if kind == "RESULT":
        region = text(row, "region")
    times = [text(row, name) for name in _NOTED if text(row, name)]
    return (region, min(map(_epoch, times))) if times and kind in {"RESULT", "ATTEMPT", "REPLICA"} else ("", 0.0)


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _stored(context: Context, region: str) -> Iterator[tuple[str, float]]:
    """Yield the identity of each object of the drill in a region's bucket, and the time of its first version."""
    s3, bucket = context.deployment.client("s3", region), context.deployment.ingest_bucket(region)
    first: dict[str, float] = {}
    pages = [
        page
        for prefix in Scope(context.plan.source).prefixes
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    ]
    for version in (version for page in pages for version in page.get("Versions", [])):
        object_id, at = identity(version["Key"], version["VersionId"]), version["LastModified"].timestamp()
        first[object_id] = min(at, first.get(object_id, at))
    yield from first.items()


def _rows(context: Context, region: str) -> Iterator[Row]:
    table = context.deployment.table(region)
    for page in context.deployment.client("dynamodb", region).get_paginator("scan").paginate(TableName=table, **_ROWS):
        yield from page["Items"]
