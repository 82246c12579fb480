"""The queues of a function deliver no more concurrent batches than the function reserves."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.event_sources import MAPPING, mappings_to, reads_a_queue, versions_of_function
from compliance.cfn.reading import require_mapping, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "ScalingConfig.MaximumConcurrency"
_RESERVED: Final = "ReservedConcurrentExecutions"


def _violations(mapping: Resource, world: TemplateSet) -> Iterator[str]:
    mine = _maximum(mapping)
    if mine is None:
        yield f"{_SETTING} is not set, so Lambda hands out batches until the function is throttled"
        return
    for function in versions_of_function(mapping, world):
        reserved = require_number(function.properties.get(_RESERVED), _RESERVED)
        others = {
            (other.template.name, other.logical_id): _maximum(other) or 0
            for other in mappings_to(function, world)
            if (other.template.name, other.logical_id) != (mapping.template.name, mapping.logical_id)
        }
        asked = mine + sum(others.values())
        if reserved is None:
            yield f"{function.path} reserves no concurrency, so what other functions use can throttle it below {mine:g}"
        elif asked > reserved:
            yield (
                f"{function.path} may run {reserved:g} times at once and its queues hand out {asked:g} batches: throttled "
                "batches use up their receives and become dead letters"
            )


def _maximum(mapping: Resource) -> float | None:
    setting = require_mapping(mapping.properties.get("ScalingConfig"), "ScalingConfig")
    maximum = require_number(setting.get("MaximumConcurrency"), _SETTING)
    if maximum is not None and maximum <= 0:
        raise UnresolvedError(f"{_SETTING} is {maximum:g}, which AWS refuses")
    return maximum


RULE = Rule(
    title="A mapping from a queue has a maximum concurrency, at most what its function reserves",
    why=(
        "Batches beyond the function's concurrency are received, throttled and received again. In the burst after a "
        "failover, good messages then become dead letters."
    ),
    fix="Set ScalingConfig.MaximumConcurrency to at most the function's ReservedConcurrentExecutions.",
    judge=rule_from(_violations, MAPPING, applies=reads_a_queue),
    controls=nist("CP-2", "CP-10", "SC-5"),
)
