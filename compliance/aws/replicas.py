"""The replicas of a global table."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from compliance.cfn.arns import text_of
from compliance.cfn.reading import require_list, require_mapping, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe

GLOBAL_TABLE: Final = "AWS::DynamoDB::GlobalTable"
STRONG: Final = "STRONG"


class Replica(NamedTuple):
    """One replica: what messages call it, where it stands, and its settings."""

    place: str
    region: str
    settings: Mapping[str, Json]


def replicas(table: Resource, world: TemplateSet) -> list[Replica]:
    """Return the replicas of one version of a table.

    Raises:
        UnresolvedError: They, or the region of one, are not spelled out; or there are none, which AWS refuses.
    """
    listed = require_list(table.properties.get("Replicas"), "Replicas")
    if not listed:
        raise UnresolvedError(f"Replicas is {describe(table.properties.get('Replicas'))}, not a list of replicas")
    found = []
    for index, one in enumerate(listed):
        settings = require_mapping(one, f"Replicas[{index}]")
        region = text_of(settings.get("Region"), table.template, world)
        found.append(Replica(f"the replica in {region}", region, settings))
    return found


def is_strong(table: Resource) -> bool:
    """Return whether reads are consistent across the regions."""
    return require_text(table.properties.get("MultiRegionConsistency"), "MultiRegionConsistency") == STRONG
