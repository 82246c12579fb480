"""A table whose rows expire has TTL enabled, on an attribute that is not a key."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.function_code import is_written
from compliance.aws.replicas import GLOBAL_TABLE
from compliance.cfn.reading import require_bool, require_list, require_mapping, require_text
from compliance.cfn.references import of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "TimeToLiveSpecification"
_TABLE: Final = "AWS::DynamoDB::Table"
_INDEXES: Final = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    given = require_mapping(table.properties[_SETTING], _SETTING)
    name = require_text(given.get("AttributeName"), f"{_SETTING}.AttributeName")
    if name is None:
        if require_bool(given.get("Enabled"), f"{_SETTING}.Enabled"):
            yield f"{_SETTING} has no AttributeName, so nothing expires"
        return
    if not require_bool(given.get("Enabled"), f"{_SETTING}.Enabled"):
        yield f"{_SETTING} names {name!r} and is not enabled, so rows with an expiry are never deleted"
    if name in set(_keys(table)):
        yield f"{_SETTING} names {name!r}, which is a key: rows would go by it, or never"
    if not is_written(name, of_type(world, FUNCTION), world):
        yield f"{_SETTING} names {name!r}, which no function's code holds: nothing expires"


def _keys(table: Resource) -> Iterator[str]:
    schemas: list[Json] = [table.properties.get("KeySchema")]
    for kind in _INDEXES:
        schemas += [
            require_mapping(index, kind).get("KeySchema") for index in require_list(table.properties.get(kind), kind)
        ]
    for schema in schemas:
        for key in require_list(schema, "KeySchema"):
            name = require_text(require_mapping(key, "KeySchema").get("AttributeName"), "AttributeName")
            if name is not None:
                yield name


RULE = Rule(
    title="A table whose rows expire has TTL enabled, on an attribute that is not a key",
    why=(
        "DynamoDB deletes rows by that attribute in every region. With TTL disabled, rows outlive their retention. With TTL "
        "on a key, rows expire at unintended times."
    ),
    fix="Set TimeToLiveSpecification.Enabled to true and AttributeName to an attribute of its own, or leave it out.",
    judge=rule_from(
        _violations, GLOBAL_TABLE, _TABLE, applies=lambda table, _: not is_absent(table.properties.get(_SETTING))
    ),
    controls=nist("AU-11", "SI-12") + hipaa("164.312(c)(1)") + pci("3.1"),
)
