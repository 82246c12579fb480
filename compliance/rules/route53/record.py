"""Failover records come in valid pairs with a short TTL and a health check."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.failover_records import (
    GROUP,
    PRIMARY,
    RECORD,
    SECONDARY,
    Record,
    all_records,
    health_check_of,
    is_failover,
    records_in,
    region_behind,
    region_of_record,
    routed_otherwise,
    same_question,
    signals,
)
from compliance.cfn.arns import regions_of
from compliance.cfn.reading import require_number
from compliance.cfn.references import is_known, is_there_with, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_LONGEST_TTL: Final = 60
"""Seconds. Resolvers keep the old answer so long after the failover."""
_UNSAFE: Final = ("HTTP", "HTTP_STR_MATCH", "TCP")
"""Types of health checks by which a port that is open, or a redirect, counts as a region that works."""


def _applies(resource: Resource, world: TemplateSet) -> bool:
    return is_failover(resource, world) or (len(regions_of(world)) > 1 and any(True for _ in routed_otherwise(resource)))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for record, setting in routed_otherwise(resource):
        yield (
            f"{record.place} is routed by {setting}, so more than one region may be asked at the same time; "
            f"make it a Failover pair of {PRIMARY} and {SECONDARY}"
        )
    for record in records_in(resource):
        role = record.role
        if role not in {PRIMARY, SECONDARY}:
            yield f"Failover of {record.place} is {role!r}; it must be {PRIMARY} or {SECONDARY}"
            continue
        yield from _of_itself(record)
        yield from _of_its_pair(record, SECONDARY if role == PRIMARY else PRIMARY, world)
        yield from _of_its_health(record, role, world)


def _of_itself(record: Record) -> Iterator[str]:
    if is_absent(record.settings.get("SetIdentifier")):
        yield f"{record.place} has no SetIdentifier; Route 53 needs one to tell the pair apart"
    seconds = require_number(record.settings.get("TTL"), f"TTL of {record.place}")
    if record.is_alias:
        if seconds is not None:
            yield f"{record.place} is an alias and has a TTL, which Route 53 refuses"
    elif seconds is None:
        yield f"{record.place} has no TTL; set it to {_LONGEST_TTL} seconds or less"
    elif seconds > _LONGEST_TTL:
        yield f"TTL of {record.place} is {seconds:g} seconds; at most {_LONGEST_TTL}, or clients keep to the lost region"


def _of_its_pair(record: Record, counterpart: str, world: TemplateSet) -> Iterator[str]:
    others = [other for other in all_records(world) if not _is_same_record(other, record)]
    answering = [other for other in others if same_question(record, other)]
    pair = [other for other in answering if other.role == counterpart]
    if pair and not any(is_there_with(other.owner, record.owner) for other in pair):
        yield f"{pair[0].place} has a condition of its own, so {record.place} may be left without its {counterpart}"
    if not pair:
        yield f"{record.place} has no {counterpart} record of the same name, type and hosted zone beside it"
    if any(other.role == record.role for other in answering):
        yield f"{record.place} is not the only {record.role} record of its name and type"
    for other in pair:
        if _text(record, "SetIdentifier") == _text(other, "SetIdentifier"):
            yield f"{record.place} has the SetIdentifier of {other.place}; the two must differ"
        if _answers(record) == _answers(other) and (record.template is other.template or _are_known(record)):
            yield f"{record.place} answers with the same as {other.place}, so failing over changes nothing"


def _is_same_record(one: Record, other: Record) -> bool:
    return one.place == other.place and one.owner.template is other.owner.template


def _text(record: Record, key: str) -> str:
    value = record.settings.get(key)
    return "" if is_absent(value) else render(value, record.template)


def _answers(record: Record) -> list[str]:
    return [render(target, record.template) for target in record.targets]


def _are_known(record: Record) -> bool:
    return all(is_known(text) for text in _answers(record))


def _of_its_health(record: Record, role: str, world: TemplateSet) -> Iterator[str]:
    check = health_check_of(record, world)
    if check is None:
        if role == PRIMARY:
            yield f"{record.place} has no HealthCheckId, so Route 53 never fails over from it"
        return
    region = region_of_record(record, world)
    for signal in signals(check, world):
        if signal.kind in _UNSAFE:
            yield (
                f"health check {signal.check.path} of {record.place} is of Type {signal.kind}, which does not show "
                "HTTPS, the only thing that clients speak; make it HTTPS"
            )
        asked = region_behind(signal.endpoint, signal.check.template, world) if signal.endpoint else None
        if region and asked and region != asked:
            yield f"{record.place} sends clients to {region}, but its health check {signal.check.path} asks {asked}"


RULE = Rule(
    title="Failover records are pairs of one name and type, with a short TTL and a health check on the PRIMARY",
    why=(
        "Route 53 fails over from a PRIMARY with an unhealthy health check to the SECONDARY of the same name. Without the "
        "check, the other record or a short TTL, clients keep calling the lost region."
    ),
    fix=(
        "Give each name two record sets with different SetIdentifiers, targets and health checks of their own regions; set "
        "TTL to 60 seconds or less, and none on an alias."
    ),
    judge=rule_from(_violations, RECORD, GROUP, applies=_applies),
    controls=nist("CP-2(5)", "CP-10", "SC-5") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)") + pci("12.10.1"),
)
