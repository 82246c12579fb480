"""A composite alarm refers to alarms that exist, and fires exactly while one of them does."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from compliance.aws.alarms import ALARM, COMPOSITE, actions_of, named_alarms
from compliance.cfn.references import is_known, is_there_with, render, resource_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_TERM: Final = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^)\"']*?))\s*\)")
_SPELLED: Final = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.Arn)?\}")
_ARN: Final = re.compile(r"arn:[^:]+:cloudwatch:([^:]+):[^:]+:alarm:(.+)")


def _violations(composite: Resource, world: TemplateSet) -> Iterator[str]:
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
    elif _is_true(text, in_alarm=()):
        yield "AlarmRule fires while each of its alarms is OK; remove the NOT or the OK()"
    else:
        yield from _of_single_alarms(text, terms, composite, world)
    suppressor = composite.properties.get("ActionsSuppressor")
    if not is_absent(suppressor):
        yield from _of_suppressor(render(suppressor, composite.template), terms, composite, world)
        terms.append(render(suppressor, composite.template))
    for term in terms:
        yield from _of_term(term, composite, world)


def _of_single_alarms(text: str, terms: list[str], composite: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield the alarms that, alone or together, do not make the rule true. What follows a NOT is a maintenance alarm."""
    alarms: dict[str, list[str]] = {}
    for term in terms:
        if not re.search(rf"NOT\s*\(?\s*ALARM\s*\(\s*[\"']?{re.escape(term)}[\"')\s]", text):
            meant = next((alarm.logical_id for alarm in _meant(term, composite, world)), term)
            alarms.setdefault(meant, []).append(term)
    if not _is_true(text, in_alarm=[term for same in alarms.values() for term in same]):
        yield "AlarmRule does not fire while all of its alarms fire; remove the FALSE or the NOT"
        return
    alone = [same[0] for same in alarms.values() if not _is_true(text, in_alarm=same)]
    if alone:
        yield f"AlarmRule does not fire for {', '.join(alone)} alone; join alarms with OR"


def _of_suppressor(suppressor: str, terms: list[str], composite: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for a suppressor that reports a failure: its failure would silence this alarm."""
    alarms = list(_meant(suppressor, composite, world))
    watched = [alarm for term in terms for alarm in _meant(term, composite, world)]
    if any(alarm in watched or any(True for _ in actions_of(alarm)) for alarm in alarms):
        yield f"ActionsSuppressor is {suppressor}, an alarm on a failure, which would silence this one"


def _is_true(text: str, in_alarm: Sequence[str]) -> bool:
    """Return whether the rule is true while some alarms fire and all others are OK; AND, OR and NOT bind as Python's do."""

    def state(term: re.Match[str]) -> str:
        fires = next(filter(None, term.groups())) in in_alarm
        return f" {(term[0].startswith('ALARM') and fires) or (term[0].startswith('OK') and not fires)} "

    stated = _TERM.sub(state, text)
    spelled = re.sub(r"\b(AND|OR|NOT|TRUE|FALSE)\b", lambda word: _SPELLED[word[0]], stated)
    try:
        return _holds(ast.parse(spelled.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):
        raise UnresolvedError(f"AlarmRule {text[:60]!r} cannot be read") from None


def _holds(part: ast.expr) -> bool:
    match part:
        case ast.Constant(value=bool(value)):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(_holds, values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_holds, values))
    raise UnresolvedError("AlarmRule holds what is neither an alarm's state nor AND, OR, NOT")


def _of_term(term: str, composite: Resource, world: TemplateSet) -> Iterator[str]:
    alarms = [alarm for alarm in _meant(term, composite, world) if alarm.logical_id != composite.logical_id]
    if not alarms:
        yield f"it refers to {term}, and {composite.template.name} has no such alarm"
    for alarm in alarms:
        if not is_there_with(alarm, composite):
            raise UnresolvedError(f"{alarm.path}, to which it refers, exists on a condition only")


def _meant(term: str, composite: Resource, world: TemplateSet) -> Iterator[Resource]:
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
    title="A composite alarm refers only to alarms of its own template, and fires exactly while one of them does",
    why=(
        "A composite alarm on a missing name, or on a name in another region, never leaves INSUFFICIENT_DATA. It does not "
        "fire in a failover. One that joins its alarms with AND waits for all of them."
    ),
    fix="Build AlarmRule from references to alarms of the same stack, as cloudwatch.AlarmRule.from_alarm does.",
    judge=rule_from(_violations, COMPOSITE),
    controls=nist("CA-7", "SI-4(2)", "SI-4(5)") + hipaa("164.312(b)"),
)
