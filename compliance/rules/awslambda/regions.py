"""A function has the same size and code settings in both regions."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.cfn.reading import branches, is_intrinsic
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_SAME: Final = {
    "Architectures": ["x86_64"],
    "EphemeralStorage": {"Size": 512},
    "Handler": None,
    "MemorySize": 128,
    "PackageType": "Zip",
    "ReservedConcurrentExecutions": None,
    "Runtime": None,
    "Timeout": 3,
}
"""Properties that must be the same, with Lambda's defaults."""


def _twins(function: Resource, world: TemplateSet) -> list[Resource]:
    return [twin for twin in world.in_other_regions(function) if isinstance(twin.properties, Mapping)]


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    for twin in _twins(function, world):
        for name, default in _SAME.items():
            mine = function.properties.get(name, default)
            theirs = [default if value is None else value for value in branches(twin.properties.get(name))]
            unknown = next((value for value in (mine, *theirs) if is_intrinsic(value)), None)
            if unknown is not None:
                raise UnresolvedError(f"{name} is {describe(unknown)}, which may be another value in each region")
            # The branches of a condition go together in both templates; what is in none of the twin's is a difference.
            if mine not in theirs:
                yield f"{name} is {mine!r} here and {theirs[0]!r} in {twin.template.region}; it must be the same"


RULE = Rule(
    title="A function has the same runtime, architecture, memory, time and concurrency in both regions",
    why="A passive region with smaller functions or other code is discovered only when it has to do all the work.",
    fix="Create both regions' function by the same construct with the same settings.",
    judge=rule_from(_violations, FUNCTION, applies=lambda function, world: bool(_twins(function, world))),
    controls=nist("CM-2", "CM-6", "CP-7") + hipaa("164.308(a)(7)(ii)(C)"),
)
