"""Every replica has every index."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.reading import require_list, require_mapping, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "GlobalSecondaryIndexes"


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    indexes = _names(table.properties.get(_SETTING))
    yield from _doubled("the table", indexes)
    for replica in replicas(table, world):
        settings = replica.settings.get(_SETTING)
        if settings is None:
            continue  # DynamoDB then gives the replica every index, with the table's settings.
        named = _names(settings)
        yield from _doubled(replica.place, named)
        for name in sorted(set(named) - set(indexes)):
            yield f"{replica.place} has settings for the index {name!r}, which the table does not have"
        for name in sorted(set(indexes) - set(named)):
            yield f"{replica.place} has settings for indexes, and none for {name!r}"


def _names(indexes: Json) -> Sequence[str]:
    names = [
        require_text(require_mapping(index, _SETTING).get("IndexName"), "IndexName")
        for index in require_list(indexes, _SETTING)
    ]
    if None in names:
        raise UnresolvedError(f"an entry of {_SETTING} has no IndexName")
    return [name for name in names if name is not None]


def _doubled(place: str, names: Sequence[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{place} names the index {name!r} {times} times"


RULE = Rule(
    title="Every replica of a global table has every index",
    why="A query by an index that the other region's replica lacks works until that region becomes active.",
    fix="Where a replica has GlobalSecondaryIndexes, list each index of the table once, by its exact name.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CM-6", "CP-7", "CP-10"),
)
