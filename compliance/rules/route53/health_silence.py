"""A health check that keeps its last status uses a metric that a function publishes on a schedule."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from compliance.aws.alarms import ALARM
from compliance.aws.event_sources import FUNCTION
from compliance.aws.failover_records import CLOUDWATCH_METRIC, HEALTH_CHECK, alarms_behind
from compliance.aws.metrics import Metric, metrics_of
from compliance.aws.scheduled_functions import interval_of
from compliance.cfn.arns import find
from compliance.cfn.reading import branches, require_mapping, require_number
from compliance.cfn.references import is_known, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_DECIDED: Final = ("Healthy", "Unhealthy")
"""Statuses in place of the last known one, which is also the default:
https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html"""
_NAMESPACE: Final = "POWERTOOLS_METRICS_NAMESPACE"
_SERVICE: Final = "POWERTOOLS_SERVICE_NAME"
_DISABLED: Final = "POWERTOOLS_METRICS_DISABLED"
"""Under which namespace and `service` a function publishes by Powertools:
https://docs.aws.amazon.com/powertools/python/latest/core/metrics/"""


def _settings(check: Resource) -> Mapping[str, Json]:
    return require_mapping(check.properties.get("HealthCheckConfig"), "HealthCheckConfig")


def _keeps(check: Resource, _world: TemplateSet) -> bool:
    settings = _settings(check)
    return settings.get("Type") == CLOUDWATCH_METRIC and settings.get("InsufficientDataHealthStatus") not in _DECIDED


def _violations(check: Resource, world: TemplateSet) -> Iterator[str]:
    identifier = require_mapping(_settings(check).get("AlarmIdentifier"), "AlarmIdentifier")
    if is_absent(identifier.get("Name")) or is_absent(identifier.get("Region")):
        return  # ActivePassive-Route53Health asks for them
    region = render(identifier["Region"], check.template)
    if not is_known(region):
        raise UnresolvedError(f"the template does not say in which region alarm {describe(identifier['Name'])} is")
    for alarm in alarms_behind(identifier["Name"], region, check, world):
        versions = branches(alarm.properties) if alarm.type == ALARM else ()
        for version in versions:
            yield from _of_alarm(replace(alarm, properties=version), world)


def _of_alarm(alarm: Resource, world: TemplateSet) -> Iterator[str]:
    period, count = (require_number(alarm.properties.get(name), name) for name in ("Period", "EvaluationPeriods"))
    window = (period or 0) * (count or 0)
    for metric in metrics_of(alarm):
        publishers = [
            each for each in of_type(world, FUNCTION, region=alarm.template.region) if _publishes(each, metric, alarm, world)
        ]
        intervals = [interval for each in publishers if (interval := interval_of(each, world)) is not None]
        place = f"{alarm.path} watches {metric.namespace} {metric.name}, which"
        if not publishers:
            yield f"{place} no function in {alarm.template.region} is seen to publish"
        elif not intervals:
            yield f"{place} {publishers[0].path} publishes, and no enabled schedule runs that function"
        elif min(intervals) > window:
            yield f"{place} is published every {min(intervals)} seconds; the alarm looks back {window:g} seconds only"


def _publishes(function: Resource, metric: Metric, alarm: Resource, world: TemplateSet) -> bool:
    """Return whether a function publishes a metric, in every branch of its conditions."""
    if metric.namespace == "AWS/Lambda":
        name = metric.dimensions.get("FunctionName")
        target = None if is_absent(name) else find(name, alarm.template, world, FUNCTION)
        return target is not None and (target.template.name, target.logical_id) == (
            function.template.name,
            function.logical_id,
        )
    return all(_names_it(properties, function, metric, alarm) for properties in branches(function.properties))


def _names_it(properties: Mapping[str, Json], function: Resource, metric: Metric, alarm: Resource) -> bool:
    environment = require_mapping(properties.get("Environment"), "Environment")
    variables = require_mapping(environment.get("Variables"), "Variables")
    if not {_NAMESPACE, _SERVICE} <= variables.keys() or "service" not in metric.dimensions or _DISABLED in variables:
        return False
    held = {name: render(value, function.template) for name, value in variables.items()}
    asked = {name: render(value, alarm.template) for name, value in metric.dimensions.items()}
    # The code sets the other dimensions, to values that it knows by the function's variables.
    is_named = (held[_NAMESPACE], held[_SERVICE]) == (metric.namespace, asked["service"])
    return is_named and {*asked.values()} <= {*held.values()}


RULE = Rule(
    title="A health check that keeps its last status uses a metric that a function publishes on a schedule",
    why=(
        "Without datapoints, Route 53 keeps the last status for hours. That suits a gap of a minute, and not a metric that "
        "is written once, by hand or on an event."
    ),
    fix=(
        "Let a function publish the metric on a schedule, at least once in the alarm's evaluation time, or set "
        "InsufficientDataHealthStatus to Healthy."
    ),
    judge=rule_from(_violations, HEALTH_CHECK, applies=_keeps),
    controls=nist("CP-10", "SI-4") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
