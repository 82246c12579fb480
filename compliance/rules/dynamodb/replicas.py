"""The replicas of a table have the same settings."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_OWN: Final = {
    "Region": "is what sets a replica apart",
    "SSESpecification": "a key is of one region; ActivePassive-DynamoDBEncryption looks at it",
    "KinesisStreamSpecification": "a stream is of one region",
    "ResourcePolicy": "names principals and the replica's ARN, which has the region",
    "ReplicaStreamSpecification": "holds the policy of the replica's stream, whose ARN has the region",
}
"""The settings in which replicas differ, and why."""

_UNORDERED: Final = {"Tags": "Key", "GlobalSecondaryIndexes": "IndexName"}
"""The lists without an order, and the property that identifies an entry."""


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    first, *others = replicas(table, world)
    for other in others:
        for setting in sorted((first.settings.keys() | other.settings.keys()) - _OWN.keys()):
            if _comparable(setting, first.settings.get(setting)) != _comparable(setting, other.settings.get(setting)):
                yield f"{setting} of {first.place} and of {other.place} differ; they must be the same"


def _comparable(setting: str, value: Json) -> Json:
    if setting in _UNORDERED and isinstance(value, list):
        return sorted(value, key=lambda entry: str(entry.get(_UNORDERED[setting])) if isinstance(entry, dict) else "")
    return value


RULE = Rule(
    title="The replicas of a global table differ in nothing but their region and key",
    why=(
        "Capacity, indexes, table class, recovery and tags are set for each replica. One that is smaller or lacks an "
        "index passes every test until it must carry the load alone."
    ),
    fix="Give every entry of Replicas the same settings.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CM-2", "CM-6", "CP-7") + hipaa("164.308(a)(7)(ii)(C)"),
)
