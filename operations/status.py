"""Read the status of each region with fail-fast clients, so that a lost region delays the status by seconds only.

The calls are data-plane calls in each region, and its alarms. CloudFormation is called only if no heartbeat holds the API's
URL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from infra.naming import FORCE_FAILOVER, PEER_UNHEALTHY
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

_OK: Final = 200
_READY_SECONDS: Final = 10


@dataclass
class RegionStatus:
    """The status of a region.

    Attributes:
        region: The region's AWS name.
        problems: One text for each call that failed, with the reason.
        silence: Why the table could not be read: `NO_ANSWER` or `NO_CREDENTIALS`.
        claims: The register's epochs in this replica, by region; None if the table does not answer.
        ready: Whether GET /ready answers 200; None if it was not called or did not answer.
        waiting: Number of messages of the ingest queue: visible, in flight and delayed.
        dead: Number of messages of the dead-letter queue.
        ringing: Names of the alarms in ALARM; None if they could not be read.
        routing: States of `PEER_UNHEALTHY` and `FORCE_FAILOVER`, which concern the other region.
        heartbeats: The newest heartbeat of each region in this replica.
        digests: The digests of each region in this replica.
        reconciled: The findings of the region's reconciler; None if it never ran or could not be read.
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
    """Return the status of both regions, the primary first. A call that fails becomes a problem of its region."""
    return [look_at(target, region) for region in target.regions]


def look_at(target: Target, region: str) -> RegionStatus:
    """Return the status of one region, likewise."""
    found = RegionStatus(region)
    _ask(found, "the table", lambda: _table(target, found))
    if found.claims is None:
        # Each further call would wait for its own timeout and fail for the same reason.
        return found
    _ask(found, "the digests", lambda: _digests(target, found))
    _ask(found, "the reconciler's findings", lambda: _reconciled(target, found))
    _ask(found, "the ingest queue", lambda: _waiting(target, found))
    _ask(found, "the dead-letter queue", lambda: _dead(target, found))
    _ask(found, "GET /ready", lambda: _ready(target, found))
    _ask(found, "the alarms", lambda: _alarms(target, found))
    return found


def look_at_claims(target: Target) -> list[RegionStatus]:
    """Return the status of both regions as far as their tables show it: claims and heartbeats."""
    found = [RegionStatus(region) for region in target.regions]
    for one in found:
        _ask(one, "the table", lambda one=one: _table(target, one))  # type: ignore[misc]
    return found


def views(statuses: list[RegionStatus], *, primary: str) -> dict[str, str]:
    """Return which region is active by each replica that answers."""
    return {one.region: active_region(one.claims, primary=primary) for one in statuses if one.claims is not None}


def active(statuses: list[RegionStatus], *, primary: str) -> str | None:
    """Return the active region according to the replicas that answer; None if none answers."""
    known = [one.claims for one in statuses if one.claims is not None]
    if not known:
        return None
    merged: dict[str, int] = {}
    for claims in known:
        for region, epoch in claims.items():
            merged[region] = max(epoch, merged.get(region, 0))
    return active_region(merged, primary=primary)


def agree(statuses: list[RegionStatus]) -> bool:
    """Return whether all replicas that answer hold the same register."""
    known = [one.claims for one in statuses if one.claims is not None]
    return all(claims == known[0] for claims in known)


def newest_heartbeat(statuses: list[RegionStatus], region: str) -> Heartbeat | None:
    """Return a region's newest heartbeat in any replica."""
    held = [one.heartbeats[region] for one in statuses if region in one.heartbeats]
    return max(held, key=lambda one: one.at, default=None)


def compared_digests(statuses: list[RegionStatus]) -> Comparison:
    """Compare both regions' digests, each from its own replica, or from the other one if that does not answer."""
    one, other = (_digests_of(statuses, status.region) for status in statuses)
    return digests.compare(one, other)


def _digests_of(statuses: list[RegionStatus], region: str) -> Digests:
    own_first = sorted(statuses, key=lambda status: status.region != region)
    return next((status.digests[region] for status in own_first if region in status.digests), {})


def _ask(found: RegionStatus, what: str, question: Callable[[], None]) -> None:
    try:
        question()
    except (ClientError, BotoCoreError, HTTPClientError, RunFailure, OSError) as error:
        found.problems.append(f"{what}: {error}")
        if credentials.are_missing(error):
            found.silence = NO_CREDENTIALS
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # A malformed row must not hide the rest of the status.
        found.problems.append(f"{what}: a row is malformed: {type(error).__name__}: {error}")


def _table(target: Target, found: RegionStatus) -> None:
    client = target.fail_fast_client("dynamodb", found.region)
    claims = claims_of(client, target.table_name, target.regions)
    found.claims = dict(claims.epochs)
    found.problems += [f"{problem}; the row is ignored" for problem in claims.problems]
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
    found.waiting = _depth(target, found.region, target.name_of("ingest"))


def _dead(target: Target, found: RegionStatus) -> None:
    found.dead = _depth(target, found.region, target.name_of("ingest-dlq"))


def _depth(target: Target, region: str, name: str) -> int:
    sqs = target.fail_fast_client("sqs", region)
    return queues.depth(sqs, sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _ready(target: Target, found: RegionStatus) -> None:
    answer = Api(_where(target, found), found.region, timeout=_READY_SECONDS).call("GET", "/ready", signed=False)
    found.ready = answer.status == _OK


def _where(target: Target, found: RegionStatus) -> Deployment:
    """Return the API's URL from the region's own heartbeat, because CloudFormation may be impaired."""
    own = found.heartbeats.get(found.region)
    if own is None or not own.api_url:
        return Deployment.of_region(target, found.region)
    api_id = str(urlsplit(own.api_url).hostname).partition(".")[0]
    return Deployment(target, {found.region: {"ApiId": api_id, "ApiEndpoint": own.api_url}}, {}, {})


def _alarms(target: Target, found: RegionStatus) -> None:
    client: Any = target.fail_fast_client("cloudwatch", found.region)
    names = {target.name_of(alarm): alarm for alarm in (PEER_UNHEALTHY, FORCE_FAILOVER)}
    answer = client.describe_alarms(AlarmNames=list(names))
    found.routing = {names[one["AlarmName"]]: str(one["StateValue"]) for one in answer.get("MetricAlarms", [])}
    pages = client.get_paginator("describe_alarms").paginate(StateValue="ALARM")
    found.ringing = [str(one["AlarmName"]) for page in pages for one in page.get("MetricAlarms", [])]
