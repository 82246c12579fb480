"""The primary record depends on the region's own health check and on signals from outside the region."""

from collections.abc import Iterator
from dataclasses import replace

from compliance.aws.failover_records import (
    CLOUDWATCH_METRIC,
    GROUP,
    PRIMARY,
    RECORD,
    Record,
    Signal,
    health_check_of,
    records_in,
    signals,
)
from compliance.cfn.reading import branches
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _holds_primary(resource: Resource, _world: TemplateSet) -> bool:
    return any(record.role == PRIMARY for record in records_in(resource))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for record in records_in(resource):
        check = health_check_of(record, world) if record.role == PRIMARY else None
        if check is None:
            continue  # a PRIMARY without any is what ActivePassive-Route53Record fails
        for properties in branches(check.properties):
            yield from _of_signals(record, list(signals(replace(check, properties=properties), world)))


def _of_signals(record: Record, found: list[Signal]) -> Iterator[str]:
    if not any(_asks_over_https(signal) for signal in found):
        yield (
            f"{record.place} depends on no HTTPS check of an endpoint, so a region that answers nothing is left only when "
            "somebody else notices"
        )
    if not any(signal.kind == CLOUDWATCH_METRIC for signal in found):
        yield (
            f"{record.place} depends on no alarm, so a region that still answers its health check and does no work is never "
            "left, and nobody can leave it by hand"
        )


def _asks_over_https(signal: Signal) -> bool:
    return signal.kind.startswith("HTTPS") and signal.endpoint is not None


RULE = Rule(
    title="The PRIMARY record depends on its region's endpoint and on an alarm outside the region",
    why=(
        "A region that is down does not answer. A degraded region accepts requests and stalls, and its health check stays "
        "healthy. Route 53 sees the first itself, and the second only by an end-to-end test from the other region. "
        "ActivePassive-Route53Health limits where the alarm may be."
    ),
    fix=(
        "Make the PRIMARY's health check CALCULATED: of an HTTPS check of its own host, and of checks on the other region's "
        "alarms, one on what its observer sees and one that a person can set off."
    ),
    judge=rule_from(_violations, RECORD, GROUP, applies=_holds_primary),
    controls=nist("CP-2(5)", "CP-10", "SI-4") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
