"""A bucket sends the same notifications for replicas as for uploads."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.notifications import announces, notifications_of, tells_event_bridge
from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_ALL: Final = "s3:ObjectCreated:*"
_CREATED: Final = "s3:ObjectCreated"


def _peers(bucket: Resource, world: TemplateSet) -> list[Resource]:
    """Return the same bucket in other regions, where it notifies a target."""
    others = world.in_other_regions(bucket)
    return [other for other in others if isinstance(other.properties, Mapping) and announces(other)]


def _applies(bucket: Resource, world: TemplateSet) -> bool:
    peers = _peers(bucket, world)
    return bool(peers) or (announces(bucket) and is_replicated(bucket, world))


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    if tells_event_bridge(bucket):
        return
    notifications = notifications_of(bucket)
    everything = [(one.target, one.filter) for one in notifications if one.event == _ALL]
    for one in notifications:
        if one.event.startswith(_CREATED) and one.event != _ALL and (one.target, one.filter) not in everything:
            yield f"a notification is of {one.event} only; replicas and multipart uploads come by others: use {_ALL}"
    if not any(one.event.startswith(_CREATED) for one in notifications):
        where = ", ".join(sorted(peer.template.region for peer in _peers(bucket, world))) or "another region"
        yield f"this bucket notifies no queue of new objects, and its counterpart is in {where}; notify of {_ALL}"


RULE = Rule(
    title="A replicated bucket sends a notification for every object created in it, replicas included",
    why=(
        "The passive region's queue is the work to recover. An object that arrived by replication without a notification is "
        "never processed if its own region is lost."
    ),
    fix="Notify the queue of s3:ObjectCreated:* in both regions, with the same filter, and of no single kind of it.",
    judge=rule_from(_violations, BUCKET, applies=_applies),
    controls=nist("CP-10", "SI-4", "SC-36"),
)
