"""Buckets that accept uploads replicate to each other, in both directions."""

from collections.abc import Iterator, Mapping

from compliance.aws.notifications import announces
from compliance.aws.replication_terms import (
    BUCKET,
    CUSTOM,
    Replication,
    destination_of,
    link,
    links,
    replicates,
    replications_of,
    source_of,
)
from compliance.cfn.arns import region_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _applies(resource: Resource, world: TemplateSet) -> bool:
    return replicates(resource, world) or bool(_peers(resource, world))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for replication in replications_of(resource):
        yield from _of_replication(replication, resource, world)
    known = links(world)
    for peer in _peers(resource, world):
        if link(resource, peer) not in known:
            yield (
                f"uploads arrive in this bucket and in its counterpart in {peer.template.region}, and nothing replicates "
                "from here to there"
            )


def _of_replication(replication: Replication, resource: Resource, world: TemplateSet) -> Iterator[str]:
    source = source_of(replication, resource, world)
    destination = destination_of(replication, resource, world)
    if source is None:
        raise UnresolvedError(f"no template here holds the bucket that is replicated, {describe(replication.source)}")
    if "BucketRegion" in resource.properties and resource.properties["BucketRegion"] != source.template.region:
        yield f"BucketRegion is {resource.properties['BucketRegion']!r}, and the bucket is in {source.template.region}"
    if region_of(replication.destination, resource.template, world) == source.template.region:
        yield f"{replication.place} copies within {source.template.region}; the copy must be in another region"
    elif destination is None:
        raise UnresolvedError(
            f"no template here holds {describe(replication.destination)}, so whether it replicates back cannot be seen; "
            "judge both regions' templates together"
        )
    elif link(destination, source) not in links(world):
        yield (
            f"{replication.place} copies to {destination.template.region} and nothing copies back: what arrives there "
            "after a failover stays there"
        )


def _peers(resource: Resource, world: TemplateSet) -> list[Resource]:
    """Return the same bucket in other regions, if both notify a target of new objects."""
    if resource.type != BUCKET or not announces(resource):
        return []
    others = world.in_other_regions(resource)
    return [other for other in others if isinstance(other.properties, Mapping) and announces(other)]


RULE = Rule(
    title="Buckets that accept uploads replicate to the other region, and back",
    why=(
        "One direction protects what arrives in the primary. After a failover, uploads to the secondary have no copy unless "
        "it replicates too, and the failback has nothing to catch up from."
    ),
    fix=(
        "Set a ReplicationConfiguration on one bucket, and the reverse by a custom resource with Bucket and a whole "
        "ReplicationConfiguration once both buckets exist."
    ),
    judge=rule_from(_violations, BUCKET, *CUSTOM, applies=_applies),
    controls=nist("CP-6", "CP-7", "CP-9", "CP-10") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)"),
)
