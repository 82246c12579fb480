"""An EventBridge rule is enabled and has the permissions for its targets and dead-letter queues."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.admission import admits, refused_by_key
from compliance.aws.dead_letters import QUEUE, dead_letters_of, is_same
from compliance.aws.event_sources import FUNCTION
from compliance.aws.resource_policies import policies_of
from compliance.aws.scheduled_functions import EVENT_RULE, PERMISSION, SCHEDULE, is_on_default_bus, seconds_between
from compliance.aws.systems import keeps_data_in_several
from compliance.cfn.arns import ACCOUNT, arns_of, find
from compliance.cfn.policies import Statement, covers
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_EVENTS: Final = "events.amazonaws.com"
_SEND: Final = "sqs:SendMessage"
_ON: Final = "ENABLED"
"""Also the beginning of `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`."""
_LATEST: Final = 900
"""Seconds: operators decide on a failover by what such functions check, and by alarms that must fire within two hours."""
_OR: Final = "or enter a decision in compliance/acknowledgements.toml that no failover waits for it"
_ACCOUNT_NUMBER: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")


def _violations(rule: Resource, world: TemplateSet) -> Iterator[str]:
    state = require_text(rule.properties.get("State"), "State")
    if state is not None and not state.startswith(_ON):
        yield f"State is {state}, so it never runs, and no alarm on failures fires"
    yield from _of_clock(rule, world)
    if rule.type == SCHEDULE:
        yield from _of_input(require_mapping(rule.properties.get("Target"), "Target"), rule, world)
        return  # its target is one, and its role sends
    targets = require_list(rule.properties.get("Targets"), "Targets")
    if not targets:
        yield "Targets is empty, so it has no effect"
    for target in targets:
        yield from _of_input(require_mapping(target, "Targets"), rule, world)
        yield from _of_function(require_mapping(target, "Targets"), rule, world)
    for way in dead_letters_of(rule):
        queue = None if way.target is None else find(way.target, rule.template, world, QUEUE)
        if queue is not None:
            yield from _of_dead_letters(queue, rule, world)


def _of_clock(rule: Resource, world: TemplateSet) -> Iterator[str]:
    """Require that a function runs at least every quarter of an hour, where data of several regions depends on it."""
    expression = require_text(rule.properties.get("ScheduleExpression"), "ScheduleExpression")
    if expression is None or not keeps_data_in_several(world):
        return
    if not is_on_default_bus(rule.properties):
        yield f"EventBusName is {describe(rule.properties['EventBusName'])}; schedules run on the default event bus alone"
    seconds = seconds_between(expression)
    if seconds is None or seconds > _LATEST:
        yield f"ScheduleExpression is {expression}; let it run every {_LATEST // 60} minutes or more often, {_OR}"
    if not is_absent(rule.properties.get("EndDate")):
        yield f"EndDate is {describe(rule.properties['EndDate'])}, after which it never runs; leave it out"


def _of_input(target: Mapping[str, Json], rule: Resource, world: TemplateSet) -> Iterator[str]:
    """Require that a scheduled function gets the event itself, where data of several regions depends on it."""
    if is_absent(rule.properties.get("ScheduleExpression")) or not keeps_data_in_several(world):
        return
    for name in ("Input", "InputPath", "InputTransformer"):
        if not is_absent(target.get(name)):
            yield f"{name} is {describe(target[name])}, which the function gets in place of the event; leave it out"


def _of_function(target: Mapping[str, Json], rule: Resource, world: TemplateSet) -> Iterator[str]:
    function = None if is_absent(target.get("Arn")) else find(target["Arn"], rule.template, world, FUNCTION)
    if function is not None and not any(_is_permission(each, rule, function, world) for each in of_type(world, PERMISSION)):
        yield f"no permission lets {_EVENTS} invoke {function.path} for this rule, so it never runs"


def _is_permission(permission: Resource, rule: Resource, function: Resource, world: TemplateSet) -> bool:
    return all(_is_version_for(version, permission, rule, function, world) for version in branches(permission.properties))


def _is_version_for(
    version: Mapping[str, Json], permission: Resource, rule: Resource, function: Resource, world: TemplateSet
) -> bool:
    whose, source = version.get("FunctionName"), version.get("SourceArn")
    if version.get("Principal") != _EVENTS or is_absent(whose):
        return False
    target = find(whose, permission.template, world, FUNCTION)
    if target is None or not is_same(target, function):
        return False
    return is_absent(source) or _is(find(source, permission.template, world, EVENT_RULE), rule)


def _of_dead_letters(queue: Resource, rule: Resource, world: TemplateSet) -> Iterator[str]:
    versions = [version for _, version in policies_of(queue, world)]
    if not versions or not all(any(_lets_send(each, queue, rule, world) for each in version) for version in versions):
        yield f"{queue.path} does not let {_EVENTS} do {_SEND} for this rule, so what it cannot hand over is gone"
    if missing := refused_by_key(queue, _EVENTS, world):
        yield f"the key of {queue.path} does not let {_EVENTS} do {', '.join(missing)}, so what fails is gone"


def _lets_send(statement: Statement, queue: Resource, rule: Resource, world: TemplateSet) -> bool:
    if not admits(statement, _EVENTS, _SEND):
        return False
    sources = [condition.values for condition in statement.conditions if condition.key.lower() == "aws:sourcearn"]
    return all(any(_covers(value, queue, rule, world) for value in values) for values in sources)


def _covers(source: str, queue: Resource, rule: Resource, world: TemplateSet) -> bool:
    # The policy stands beside its queue, so its references are that template's.
    if _is(find(source, queue.template, world, EVENT_RULE), rule):
        return True
    in_any_account = _ACCOUNT_NUMBER.sub(ACCOUNT, source)
    return any(covers(in_any_account, _ACCOUNT_NUMBER.sub(ACCOUNT, arn)) for arn in arns_of(rule))


def _is(found: Resource | None, rule: Resource) -> bool:
    return found is not None and is_same(found, rule)


RULE = Rule(
    title="An EventBridge rule is enabled, runs often, may invoke its functions and may write to its dead-letter queues",
    why=(
        "EventBridge drops events that it may not deliver, and then events that it may not send to the dead-letter queue or "
        "encrypt for it. Scheduled checks then stop without an error."
    ),
    fix=(
        "Enable the rule, and let it run every 15 minutes or more often; allow lambda:InvokeFunction to "
        "events.amazonaws.com with the rule as SourceArn, sqs:SendMessage "
        "in the dead-letter queue's policy, and kms:Decrypt and kms:GenerateDataKey in its key's."
    ),
    judge=rule_from(_violations, EVENT_RULE, SCHEDULE),
    controls=nist("AU-5", "CP-10", "SI-4", "SI-11") + hipaa("164.308(a)(7)(i)", "164.312(b)"),
)
