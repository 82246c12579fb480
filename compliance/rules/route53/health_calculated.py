"""A calculated health check requires all its children to be healthy."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.failover_records import HEALTH_CHECK
from compliance.cfn.reading import branches, require_list, require_mapping, require_number
from compliance.cfn.references import named, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_CALCULATED: Final = "CALCULATED"


def _settings(properties: Mapping[str, Json]) -> Mapping[str, Json]:
    return require_mapping(properties.get("HealthCheckConfig"), "HealthCheckConfig")


def _violations(check: Resource, world: TemplateSet) -> Iterator[str]:
    settings = _settings(check.properties)
    children = require_list(settings.get("ChildHealthChecks"), "ChildHealthChecks")
    if not children:
        yield "ChildHealthChecks is empty, so it checks nothing"
        return
    if len({_subject(child, check, world) for child in children}) < len(children):
        yield "ChildHealthChecks names one check, or one alarm, twice, and what is counted twice outvotes another"
    yield from _of_threshold(require_number(settings.get("HealthThreshold"), "HealthThreshold"), len(children))
    for child in children:
        yield from _of_child(child, check, world)


def _subject(child: Json, check: Resource, world: TemplateSet) -> str:
    """Return what tells a child from others: the alarm that it reads, else the check itself."""
    target = named(child, check.template, world)
    alarm = None if target is None else _settings(target.properties).get("AlarmIdentifier")
    return render(child, check.template) if is_absent(alarm) else repr(alarm)


def _of_threshold(threshold: float | None, children: int) -> Iterator[str]:
    if threshold is None:
        yield f"HealthThreshold is not set; set it to {children}, the number of ChildHealthChecks"
    elif threshold < children:
        yield (
            f"HealthThreshold is {threshold:g} of {children} ChildHealthChecks, so it is healthy when one of them is not; "
            f"set it to {children}"
        )
    elif threshold > children:
        yield f"HealthThreshold is {threshold:g}, and with {children} ChildHealthChecks it is never healthy"


def _of_child(child: Json, check: Resource, world: TemplateSet) -> Iterator[str]:
    target = named(child, check.template, world)
    if target is None or target.type != HEALTH_CHECK:
        raise UnresolvedError(f"{describe(child)}, a child of it, is in none of the templates")
    if any(_settings(properties).get("Type") == _CALCULATED for properties in branches(target.properties)):
        yield f"its child {target.path} is calculated itself; Route 53 refuses that"


RULE = Rule(
    title="A calculated health check is healthy only when all its children are",
    why=(
        "Clients must leave the PRIMARY when any of its signals fails. With a lower threshold, two quiet alarms outvote an "
        "endpoint that does not answer, and a region's health outvotes a forced failover."
    ),
    fix="Set HealthThreshold to the number of ChildHealthChecks, each a different check that is not calculated itself.",
    judge=rule_from(
        _violations, HEALTH_CHECK, applies=lambda check, _: _settings(check.properties).get("Type") == _CALCULATED
    ),
    controls=nist("CP-10", "SI-4") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
