"""The secondary record depends on no signal from the primary's region."""

from collections.abc import Iterator

from compliance.aws.failover_records import (
    CLOUDWATCH_METRIC,
    GROUP,
    PRIMARY,
    RECORD,
    SECONDARY,
    Record,
    Signal,
    all_records,
    health_check_of,
    records_in,
    region_behind,
    region_of_record,
    same_question,
    signals,
)
from compliance.cfn.reading import require_mapping
from compliance.cfn.references import is_known, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _holds_secondary(resource: Resource, _world: TemplateSet) -> bool:
    return any(record.role == SECONDARY for record in records_in(resource))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for record in records_in(resource):
        if record.role != SECONDARY:
            continue
        check = health_check_of(record, world)
        if check is None:
            continue
        primaries = [other for other in all_records(world) if other.role == PRIMARY and same_question(record, other)]
        for signal in signals(check, world):
            yield from _of_signal(record, signal, primaries, world)


def _of_signal(record: Record, signal: Signal, primaries: list[Record], world: TemplateSet) -> Iterator[str]:
    away = {region for primary in primaries if (region := region_of_record(primary, world))}
    if not signal.is_direct:
        yield f"{record.place} depends on a calculated health check over {signal.check.path}; use one endpoint check"
    if signal.kind == CLOUDWATCH_METRIC:
        alarm = require_mapping(signal.settings.get("AlarmIdentifier"), f"AlarmIdentifier of {signal.check.path}")
        region = render(alarm.get("Region"), signal.check.template)
        if not away or not is_known(region):
            raise UnresolvedError(f"the templates do not say whether {signal.check.path} asks the primary's region")
        if region in away:
            yield f"{record.place} depends on an alarm in {region}, which is silent or wrong when that region is lost"
        return
    if signal.endpoint is None:
        return
    asked = region_behind(signal.endpoint, signal.check.template, world)
    if asked and asked in away:
        yield f"{record.place} depends on the health of an endpoint in {asked}, the primary's region"
    elif not asked or not away:
        yield from _by_comparison(record, signal, primaries, world)


def _by_comparison(record: Record, signal: Signal, primaries: list[Record], world: TemplateSet) -> Iterator[str]:
    """Yield a violation for an endpoint of the primary's, where the region is unknown."""
    mine = _shown(signal.endpoint, signal.check.template)
    for primary in primaries:
        if mine in set(_endpoints(primary, world)):
            yield f"{record.place} depends on the health of {mine[0]}, the primary's endpoint"
    if not is_known(mine[0]) and mine not in [_shown(target, record.template) for target in record.targets]:
        raise UnresolvedError(f"the templates do not say in which region the endpoint {mine[0]} of {signal.check.path} is")


def _endpoints(primary: Record, world: TemplateSet) -> Iterator[tuple[str, str]]:
    for target in primary.targets:
        yield _shown(target, primary.template)
    check = health_check_of(primary, world)
    for signal in signals(check, world) if check else ():
        if signal.endpoint is not None:
            yield _shown(signal.endpoint, signal.check.template)


def _shown(value: Json, template: Template) -> tuple[str, str]:
    """Return a text that can be compared: with the template's name, if the text says something else in another template."""
    text = render(value, template)
    return text, "" if is_known(text) else template.name


RULE = Rule(
    title="The SECONDARY record depends on no signal from the primary's region",
    why=(
        "When both records are unhealthy, Route 53 answers with the PRIMARY. A SECONDARY whose health depends on an alarm "
        "or endpoint of the primary's region fails with it, and no failover happens."
    ),
    fix="Give the SECONDARY no health check, or a plain endpoint check of its own region's host.",
    judge=rule_from(_violations, RECORD, GROUP, applies=_holds_secondary),
    controls=nist("CP-2(5)", "CP-10", "SC-5") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
