"""A table's capacity scales with its load in every replica."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.reading import require_list, require_mapping, require_number, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import describe
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_INDEXES: Final = "GlobalSecondaryIndexes"
_WRITE: Final = ("WriteProvisionedThroughputSettings", "WriteCapacityAutoScalingSettings")
_READ: Final = ("ReadProvisionedThroughputSettings", "ReadCapacityAutoScalingSettings")
_CAPS: Final = {
    "WriteOnDemandThroughputSettings": "MaxWriteRequestUnits",
    "ReadOnDemandThroughputSettings": "MaxReadRequestUnits",
}
_LEAST_CAP: Final = 1000
"""Units a second: what one partition writes, so a lower cap throttles a table that is small already.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""
_PROVISIONED: Final = "PROVISIONED"


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    # PROVISIONED is the default of CloudFormation.
    mode = require_text(table.properties.get("BillingMode"), "BillingMode") or _PROVISIONED
    if mode == "PAY_PER_REQUEST":
        for place, settings, names in _places(table, world):
            if names[0] in settings:
                yield f"{place} has {names[0]}, which mean nothing with BillingMode PAY_PER_REQUEST; remove them"
            yield from _of_cap(place, settings)
    elif mode == _PROVISIONED:
        for place, settings, (setting, scaling) in _places(table, world):
            if not require_mapping(require_mapping(settings.get(setting), setting).get(scaling), scaling):
                yield f"{place} has no {setting}.{scaling}, so its capacity stays as it is whatever the load"
    else:
        yield f"BillingMode is {describe(mode)}; it must be PAY_PER_REQUEST or {_PROVISIONED}"


def _of_cap(place: str, settings: Mapping[str, Json]) -> Iterator[str]:
    for setting, unit in _CAPS.items():
        most = require_number(require_mapping(settings.get(setting), setting).get(unit), unit)
        if most is not None and most < _LEAST_CAP:
            yield f"{place} has {unit} {most:g}, and more is throttled; leave it out, or set {_LEAST_CAP} or more"


def _places(table: Resource, world: TemplateSet) -> Iterator[tuple[str, Mapping[str, Json], tuple[str, str]]]:
    """Yield each place of capacity: writes of the table and its indexes, reads of each replica and its indexes."""
    indexes = [require_mapping(index, _INDEXES) for index in require_list(table.properties.get(_INDEXES), _INDEXES)]
    yield "the table", table.properties, _WRITE
    for index in indexes:
        yield f"the index {index.get('IndexName')}", index, _WRITE
    for replica in replicas(table, world):
        yield replica.place, replica.settings, _READ
        own = {
            str(require_mapping(index, _INDEXES).get("IndexName")): require_mapping(index, _INDEXES)
            for index in require_list(replica.settings.get(_INDEXES), _INDEXES)
        }
        for name in (str(index.get("IndexName")) for index in indexes):
            yield f"the index {name} of {replica.place}", own.get(name, {}), _READ


RULE = Rule(
    title="A global table is on demand, or its capacity scales in every replica and every index",
    why=(
        "After a failover a passive replica, sized for replicated writes, receives all reads within a minute. Capacity that "
        "does not scale throttles them, and a throttled replica also falls behind in replication."
    ),
    fix="Set BillingMode to PAY_PER_REQUEST, or auto scaling for writes of the table and reads of every replica.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CP-2", "CP-10", "SC-5"),
)
