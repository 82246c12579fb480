"""What an operator looks at first: each region by itself, asked briskly, so that a lost one costs seconds.

Data-plane calls of the regions themselves, and the alarms; CloudFormation only where no heartbeat tells where the API is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from operations import credentials, digests, heartbeats, queues, reconciler
from operations.deployment import Deployment
from operations.digests import Comparison, Digests
from operations.errors import RunFailure
from operations.heartbeats import Heartbeat
from operations.reconciler import Reconciled
from operations.register import active_region, claims_of
from operations.signed_http import Api
from operations.target import Target

NO_ANSWER: Final = "does not answer"
NO_CREDENTIALS: Final = "no credentials"
PEER_UNHEALTHY: Final = "peer-unhealthy"
FORCE_FAILOVER: Final = "force-failover"
"""The primary's health check fails while one of these two alarms of the secondary rings."""

_OK: Final = 200
_READY_SECONDS: Final = 10


@dataclass
class RegionStatus:
    """One region.

    Attributes:
        region: Its AWS name.
        problems: What could not be learned, and why.
        silence: Why its table told nothing: `NO_ANSWER` or `NO_CREDENTIALS`.
        claims: What its replica holds of the register; None if it does not answer.
        ready: Whether GET /ready answers 200; None if it was not asked or did not answer.
        waiting: Messages of the ingest queue, whatever they are doing.
        dead: Messages of the dead-letter queue.
        ringing: Alarms that ring; None if they could not be asked.
        routing: The state of `PEER_UNHEALTHY` and `FORCE_FAILOVER`, which speak of the other region.
        heartbeats: The newest heartbeat of each region that this replica holds.
        digests: Each region's digests that this replica holds.
        reconciled: What its reconciler found; None if that never ran, or could not be read.
    """

    region: str
    problems: list[str] = field(default_factory=list)
    silence: str = NO_ANSWER
    claims: dict[str, int] | None = None
    ready: bool | None = None
    waiting: int | None = None
    dead: int | None = None
    ringing: list[str] | None = None
    routing: dict[str, str] = field(default_factory=dict)
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    digests: dict[str, Digests] = field(default_factory=dict)
    reconciled: Reconciled | None = None


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


def newest_heartbeat(statuses: list[RegionStatus], region: str) -> Heartbeat | None:
    """Return a region's newest heartbeat, whichever replica holds it."""
    held = [one.heartbeats[region] for one in statuses if region in one.heartbeats]
    return max(held, key=lambda one: one.at, default=None)


def compared_digests(statuses: list[RegionStatus]) -> Comparison:
    """Compare both regions' digests, each from its own replica where that answers, else as replication brought them."""
    one, other = (_digests_of(statuses, status.region) for status in statuses)
    return digests.compare(one, other)


def _digests_of(statuses: list[RegionStatus], region: str) -> Digests:
    own_first = sorted(statuses, key=lambda status: status.region != region)
    return next((status.digests[region] for status in own_first if region in status.digests), {})


def _region(target: Target, region: str) -> RegionStatus:
    found = RegionStatus(region)
    _ask(found, "the table", lambda: _table(target, found))
    if found.claims is None:
        # Each further question would cost its own timeout and say the same.
        return found
    _ask(found, "the digests", lambda: _digests(target, found))
    _ask(found, "what the reconciler found", lambda: _reconciled(target, found))
    _ask(found, "the ingest queue", lambda: _waiting(target, found))
    _ask(found, "the dead-letter queue", lambda: _dead(target, found))
    _ask(found, "GET /ready", lambda: _ready(target, found))
    _ask(found, "the alarms", lambda: _alarms(target, found))
    return found


def _ask(found: RegionStatus, what: str, question: Callable[[], None]) -> None:
    try:
        question()
    except (ClientError, BotoCoreError, HTTPClientError, RunFailure, OSError) as error:
        found.problems.append(f"{what}: {error}")
        if credentials.are_missing(error):
            found.silence = NO_CREDENTIALS
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A malformed row says nothing of its region, and must not hide the rest.
        found.problems.append(f"{what}: a row is malformed: {type(error).__name__}: {error}")


def _table(target: Target, found: RegionStatus) -> None:
    client = target.fail_fast_client("dynamodb", found.region)
    claims = claims_of(client, target.table_name, target.regions)
    found.claims = dict(claims.epochs)
    found.problems += [f"{problem}; it does not count" for problem in claims.problems]
    for region in target.regions:
        heartbeat = heartbeats.read(client, target.table_name, region)
        if heartbeat is not None:
            found.heartbeats[region] = heartbeat


def _digests(target: Target, found: RegionStatus) -> None:
    client, now = target.fail_fast_client("dynamodb", found.region), time.time()
    for region in target.regions:
        found.digests[region] = digests.read(client, target.table_name, region, now=now)


def _reconciled(target: Target, found: RegionStatus) -> None:
    client = target.fail_fast_client("dynamodb", found.region)
    found.reconciled = reconciler.read(client, target.table_name, found.region)


def _waiting(target: Target, found: RegionStatus) -> None:
    found.waiting = _depth(target, found.region, f"serverless-ingest-{target.environment}")


def _dead(target: Target, found: RegionStatus) -> None:
    found.dead = _depth(target, found.region, f"serverless-ingest-dlq-{target.environment}")


def _depth(target: Target, region: str, name: str) -> int:
    sqs = target.fail_fast_client("sqs", region)
    return queues.depth(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _ready(target: Target, found: RegionStatus) -> None:
    answer = Api(_where(target, found), found.region, timeout=_READY_SECONDS).call("GET", "/ready", signed=False)
    found.ready = answer.status == _OK


def _where(target: Target, found: RegionStatus) -> Deployment:
    """Learn of the region's own heartbeat where its API is: CloudFormation may be what is ill."""
    own = found.heartbeats.get(found.region)
    if own is None or not own.api_url:
        return Deployment.of_region(target, found.region)
    api_id = str(urlsplit(own.api_url).hostname).partition(".")[0]
    return Deployment(target, {found.region: {"ApiId": api_id, "ApiEndpoint": own.api_url}}, {}, {})


def _alarms(target: Target, found: RegionStatus) -> None:
    client: Any = target.fail_fast_client("cloudwatch", found.region)
    names = {f"serverless-{alarm}-{target.environment}": alarm for alarm in (PEER_UNHEALTHY, FORCE_FAILOVER)}
    answer = client.describe_alarms(AlarmNames=list(names))
    found.routing = {names[one["AlarmName"]]: str(one["StateValue"]) for one in answer.get("MetricAlarms", [])}
    pages = client.get_paginator("describe_alarms").paginate(StateValue="ALARM")
    found.ringing = [str(one["AlarmName"]) for page in pages for one in page.get("MetricAlarms", [])]
