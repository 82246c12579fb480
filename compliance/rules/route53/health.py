"""A health check on an alarm reads a metric that Route 53 supports, outside the region that it judges."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.alarms import COMPOSITE
from compliance.aws.failover_records import (
    CLOUDWATCH_METRIC,
    HEALTH_CHECK,
    alarms_behind,
    all_records,
    health_check_of,
    region_behind,
    region_of_record,
    signals,
)
from compliance.cfn.reading import branches, require_mapping, require_number
from compliance.cfn.references import is_known, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_STANDARD_RESOLUTION: Final = 60
"""Seconds. A shorter period needs a high-resolution metric, which Route 53 does not read."""

_SILENCE_FAILS: Final = "Unhealthy"


def _settings(check: Resource) -> Mapping[str, Json]:
    return require_mapping(check.properties.get("HealthCheckConfig"), "HealthCheckConfig")


def _violations(check: Resource, world: TemplateSet) -> Iterator[str]:
    identifier = require_mapping(_settings(check).get("AlarmIdentifier"), "AlarmIdentifier")
    if is_absent(identifier.get("Name")) or is_absent(identifier.get("Region")):
        yield "AlarmIdentifier must have the alarm's Name and Region"
        return
    if _settings(check).get("InsufficientDataHealthStatus") == _SILENCE_FAILS:
        yield (
            f"InsufficientDataHealthStatus is {_SILENCE_FAILS}, so an alarm that has nothing to say moves all clients; set "
            "Healthy or LastKnownStatus"
        )
    region = render(identifier["Region"], check.template)
    if not is_known(region):
        raise UnresolvedError(f"the template does not say in which region alarm {describe(identifier['Name'])} is")
    for alarm in alarms_behind(identifier["Name"], region, check, world):
        if alarm.type == COMPOSITE:
            yield f"{alarm.path} is a composite alarm, which Route 53 does not read"
            continue
        for properties in branches(alarm.properties):
            yield from _unreadable(alarm, properties)
    for judged in _judged_regions(check, world):
        if judged == region:
            yield f"the alarm is in {region}, the region that it judges: it is lost together with that region"


def _unreadable(alarm: Resource, properties: Mapping[str, Json]) -> Iterator[str]:
    if not is_absent(properties.get("Metrics")):
        yield f"{alarm.path} has Metrics, that is metric math; Route 53 reads one plain metric only"
    if not is_absent(properties.get("ExtendedStatistic")):
        yield f"{alarm.path} has an ExtendedStatistic; Route 53 reads Average, Minimum, Maximum, Sum and SampleCount only"
    period = require_number(properties.get("Period"), f"Period of {alarm.path}")
    if period is not None and period < _STANDARD_RESOLUTION:
        yield f"Period of {alarm.path} is {period:g} seconds; Route 53 reads standard resolution only, 60 or more"
    looked_at = require_number(properties.get("EvaluationPeriods"), f"EvaluationPeriods of {alarm.path}")
    breaching = require_number(properties.get("DatapointsToAlarm"), f"DatapointsToAlarm of {alarm.path}")
    if breaching is not None and breaching != looked_at:
        yield (
            f"DatapointsToAlarm of {alarm.path} is {breaching:g} and not its EvaluationPeriods; Route 53 reads the latter "
            "alone, and would decide otherwise than the alarm"
        )


def _judged_regions(check: Resource, world: TemplateSet) -> set[str]:
    """Return the regions of the records that hang on the check, and of the endpoints that are asked together with it.

    Raises:
        UnresolvedError: There is none, or the templates do not say where a record sends clients to.
    """
    regions = set(_regions_beside(check, world))
    for record in all_records(world):
        decides = health_check_of(record, world)
        if decides is None or not any(_is(signal.check, check) for signal in signals(decides, world)):
            continue
        region = region_of_record(record, world)
        if region is None:
            raise UnresolvedError(f"the templates do not say which region {record.place} sends clients to")
        regions.add(region)
    if not regions:
        raise UnresolvedError("no failover record hangs on this health check, so the region that it judges is unknown")
    return regions


def _regions_beside(check: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the regions of the endpoints that a calculated health check weighs together with this one."""
    for other in of_type(world, HEALTH_CHECK):
        beside = [] if _is(other, check) else list(signals(other, world))
        if any(_is(signal.check, check) for signal in beside):
            hosts = ((signal.endpoint, signal.check.template) for signal in beside if signal.endpoint is not None)
            yield from filter(None, (region_behind(host, template, world) for host, template in hosts))


def _is(one: Resource, other: Resource) -> bool:
    return one.template is other.template and one.logical_id == other.logical_id


RULE = Rule(
    title="The alarm of a health check is a plain, standard-resolution metric alarm outside the region it judges",
    why=(
        "Route 53 reads an alarm's metric itself: it supports no composite alarm, metric math, high resolution, percentile "
        "or M out of N datapoints. An alarm in the lost region cannot report the loss."
    ),
    fix=(
        "Point AlarmIdentifier at an alarm of one metric, with a Period of 60 or more and as many DatapointsToAlarm as "
        "EvaluationPeriods, in another region than the record's."
    ),
    judge=rule_from(_violations, HEALTH_CHECK, applies=lambda check, _: _settings(check).get("Type") == CLOUDWATCH_METRIC),
    controls=nist("CP-10", "SI-4") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
