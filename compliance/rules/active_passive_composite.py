"""A composite alarm stands on alarms that are there."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.complaints import judge_by
from compliance.controls import hipaa, nist
from compliance.references import is_known, is_there_with, render, resource_of
from compliance.rule import Rule
from compliance.rules.alarms import ALARM, COMPOSITE, named_alarms
from compliance.templates import Resource, World
from compliance.values import UnresolvedError, is_absent

_TERM: Final = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\"']*?))\s*\)")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.Arn)?\}")
_ARN: Final = re.compile(r"arn:[^:]+:cloudwatch:([^:]+):[^:]+:alarm:(.+)")


def _complaints(composite: Resource, world: World) -> Iterator[str]:
    rule = composite.properties.get("AlarmRule")
    if is_absent(rule):
        yield "AlarmRule is not set"
        return
    text = render(rule, composite.template)
    terms = [next(part for part in found if part) for found in _TERM.findall(text) if any(found)]
    if not terms:
        if not is_known(text):
            raise UnresolvedError(f"the template does not say what AlarmRule {text[:60]} will be")
        yield f"AlarmRule {text[:60]!r} names no alarm, so it never changes"
    suppressor = composite.properties.get("ActionsSuppressor")
    if not is_absent(suppressor):
        terms.append(render(suppressor, composite.template))
    for term in terms:
        yield from _of_term(term, composite, world)


def _of_term(term: str, composite: Resource, world: World) -> Iterator[str]:
    alarms = [alarm for alarm in _meant(term, composite, world) if alarm.logical_id != composite.logical_id]
    if not alarms:
        yield f"it stands on {term}, and {composite.template.name} has no such alarm beside it"
    for alarm in alarms:
        if not is_there_with(alarm, composite):
            raise UnresolvedError(f"{alarm.path}, on which it stands, is there on a condition only")


def _meant(term: str, composite: Resource, world: World) -> Iterator[Resource]:
    template = composite.template
    reference = _REFERENCE.fullmatch(term)
    if reference:
        target = resource_of(template, reference[1])
        if target is None:
            raise UnresolvedError(f"the template does not say which alarm {term} is")
        if target.type in {ALARM, COMPOSITE}:
            yield target
        return
    # The account's colons would be taken for the ARN's.
    known = term.replace("${AWS::AccountId}", "account").replace("${AWS::Region}", template.region or "here")
    if not is_known(known):
        raise UnresolvedError(f"the template does not say which alarm {term} is")
    arn = _ARN.fullmatch(known)
    region, name = arn.groups() if arn else (template.region, known)
    if region in {template.region, "here"}:
        yield from (alarm for alarm in named_alarms(name, template.region, world) if alarm.template is template)


RULE = Rule(
    id="ActivePassive-Composite",
    title="A composite alarm stands only on alarms of its own template",
    why=(
        "A composite alarm over a name that is not there, or that lives in another region, never leaves "
        "INSUFFICIENT_DATA: it is green in the list and says nothing in a failover."
    ),
    fix="Build AlarmRule from references to alarms of the same stack, as cloudwatch.AlarmRule.from_alarm does.",
    judge=judge_by(_complaints, COMPOSITE),
    controls=nist("CA-7", "SI-4(2)", "SI-4(5)") + hipaa("164.312(b)"),
)
