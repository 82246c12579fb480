"""What an operator looks at first: each region by itself, asked briskly, so that a lost one costs seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from operations.deployment import Deployment
from operations.failure import RunFailure
from operations.register import active_region, claims_of
from operations.signed_http import Api
from operations.target import Target

_OK: Final = 200
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_HEARTBEAT: Final = ("at", "canary_seconds", "queue_depth", "shadow_age", "dead_letters", "replication_pending", "epoch")


@dataclass
class RegionStatus:
    """One region.

    Attributes:
        region: Its AWS name.
        problems: What could not be learned, and why.
        claims: What its replica holds of the register; None if it does not answer.
        ready: Whether GET /ready answers 200; None if it was not asked.
        waiting: Messages of the ingest queue, whatever they are doing.
        dead: Messages of the dead-letter queue.
        ringing: Alarms that ring.
        heartbeats: The newest heartbeat of each region that this replica holds: number by name.
    """

    region: str
    problems: list[str] = field(default_factory=list)
    claims: dict[str, int] | None = None
    ready: bool | None = None
    waiting: int | None = None
    dead: int | None = None
    ringing: list[str] = field(default_factory=list)
    heartbeats: dict[str, dict[str, float]] = field(default_factory=dict)


def look(target: Target) -> list[RegionStatus]:
    """Look at both regions, the primary first. Whatever does not answer is said to, and the rest is shown."""
    return [_region(target, region) for region in target.regions]


def active(statuses: list[RegionStatus], *, primary: str) -> str | None:
    """Return the region that is active, as far as any replica knows; None if none answers."""
    known = [one.claims for one in statuses if one.claims is not None]
    if not known:
        return None
    merged: dict[str, int] = {}
    for claims in known:
        for region, epoch in claims.items():
            merged[region] = max(epoch, merged.get(region, 0))
    return active_region(merged, primary=primary)


def agree(statuses: list[RegionStatus]) -> bool:
    """Whether all replicas that answer hold the same register."""
    known = [one.claims for one in statuses if one.claims is not None]
    return all(claims == known[0] for claims in known)


def _region(target: Target, region: str) -> RegionStatus:
    found = RegionStatus(region)
    _ask(found, "the table", lambda: _table(target, found))
    if found.claims is None:
        # Each further question would cost its own timeout and say the same.
        return found
    _ask(found, "the stack", lambda: _by_outputs(target, found))
    _ask(found, "the alarms", lambda: _alarms(target, found))
    return found


def _ask(found: RegionStatus, what: str, question: Any) -> None:  # noqa: ANN401 - a function of nothing
    try:
        question()
    except (ClientError, BotoCoreError, HTTPClientError, RunFailure, OSError) as error:
        found.problems.append(f"{what}: {error}")


def _table(target: Target, found: RegionStatus) -> None:
    client = target.brisk_client("dynamodb", found.region)
    found.claims = claims_of(client, target.table_name)
    for region in target.regions:
        key = {"pk": {"S": f"HEARTBEAT#{region}"}, "sk": {"S": "LATEST"}}
        row = client.get_item(TableName=target.table_name, Key=key).get("Item", {})
        if row:
            found.heartbeats[region] = {name: float(row[name]["N"]) for name in _HEARTBEAT if name in row}


def _by_outputs(target: Target, found: RegionStatus) -> None:
    outputs = Deployment.of_region(target, found.region).regional[found.region]
    sqs = target.brisk_client("sqs", found.region)
    found.waiting, found.dead = (_depth(sqs, outputs[name]) for name in ("IngestQueueUrl", "DeadLetterQueueUrl"))
    answer = Api(Deployment.of_region(target, found.region), found.region).call("GET", "/ready", signed=False)
    found.ready = answer.status == _OK


def _alarms(target: Target, found: RegionStatus) -> None:
    pages = target.brisk_client("cloudwatch", found.region).get_paginator("describe_alarms")
    for page in pages.paginate(StateValue="ALARM"):
        found.ringing += [str(one["AlarmName"]) for one in page.get("MetricAlarms", [])]


def _depth(sqs: Any, url: str) -> int:  # noqa: ANN401 - a boto3 client
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return sum(int(held.get(name, 0)) for name in _COUNTS)
