"""The tags of a resource, in the three forms of CloudFormation."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent

REQUIRED: Final = ("Project", "Environment", "Owner", "CostCenter", "DataClassification", "ManagedBy")

PER_REPLICA: Final = "AWS::DynamoDB::GlobalTable"
"""Tags are given for each replica, and the table itself has none."""

OTHER_PROPERTIES: Final = {
    "AWS::Route53::HealthCheck": "HealthCheckTags",
    "AWS::Route53::HostedZone": "HostedZoneTags",
}
"""The types that call their tags something else than `Tags`."""


class TagSet(NamedTuple):
    """One set of tags: which property holds it, and the pairs in it, in order, with doubles."""

    place: str
    pairs: list[tuple[Json, Json]]

    @property
    def keys(self) -> list[Json]:
        """The keys, with doubles."""
        return [key for key, _ in self.pairs]


def is_taggable(resource: Resource, world: TemplateSet) -> bool:
    """Return whether AWS lets this type be tagged in a template."""
    return resource.type in world.taggable or resource.type == PER_REPLICA or resource.type in OTHER_PROPERTIES


def tag_sets(resource: Resource) -> Iterable[TagSet]:
    """Return the resource's tags: one set for each replica of a global table, one set for everything else.

    Raises:
        UnresolvedError: The tags, or the replicas, are an intrinsic function or have no shape of tags.
    """
    if resource.type != PER_REPLICA:
        name = OTHER_PROPERTIES.get(resource.type, "Tags")
        yield TagSet(name, _pairs(name, resource.properties.get(name)))
        return
    replicas = resource.properties.get("Replicas")
    if not isinstance(replicas, list) or not replicas:
        raise UnresolvedError(f"Replicas is {describe(replicas)}, not a list of replicas")
    for index, replica in enumerate(replicas):
        if not isinstance(replica, Mapping) or "Fn::If" in replica:
            raise UnresolvedError(f"Replicas[{index}] is {describe(replica)}, not a replica")
        place = f"Replicas[{index}].Tags ({replica.get('Region')})"
        yield TagSet(place, _pairs(place, replica.get("Tags")))


def _pairs(place: str, tags: Json) -> list[tuple[Json, Json]]:
    if is_absent(tags):
        return []
    if isinstance(tags, list):
        return [_pair(place, tag) for tag in tags]
    if isinstance(tags, Mapping) and not any(str(key).startswith("Fn::") or key == "Ref" for key in tags):
        return list(tags.items())
    raise UnresolvedError(f"{place} is {describe(tags)}, neither a list nor a map of tags")


def _pair(place: str, tag: Json) -> tuple[Json, Json]:
    if not isinstance(tag, Mapping) or "Key" not in tag:
        raise UnresolvedError(f"{place} holds {describe(tag)}, which is not a tag with a Key and a Value")
    return tag["Key"], tag.get("Value")
