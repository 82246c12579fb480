"""A run of a schedule is not tried again when the next run is due."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.event_sources import FUNCTION
from compliance.aws.scheduled_functions import EVENT_RULE, SCHEDULE, interval_of, seconds_between
from compliance.aws.systems import keeps_data_in_several
from compliance.cfn.arns import find
from compliance.cfn.reading import branches, require_list, require_mapping, require_number, require_text
from compliance.cfn.references import is_there_with, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_CONFIG: Final = "AWS::Lambda::EventInvokeConfig"
_AGE: Final = "MaximumEventAgeInSeconds"
_RETRIES: Final = "MaximumRetryAttempts"
_MINUTE: Final = 60
"""Seconds: the smallest age that AWS takes, and Lambda's wait before its first retry."""
_WAITS: Final = (_MINUTE, 2 * _MINUTE)
"""Lambda's waits before its retries: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
_DEFAULT_TIMEOUT: Final = 3
_BY_LAMBDA: Final = {_AGE: 21_600, _RETRIES: 2}
_BY_EVENTBRIDGE: Final = {_AGE: 86_400, _RETRIES: 185}
"""What AWS takes where nothing is set: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html"""


def _is_scheduled(resource: Resource, world: TemplateSet) -> bool:
    if not keeps_data_in_several(world):
        return False
    return (interval_of(resource, world) if resource.type == FUNCTION else _seconds(resource)) is not None


def _seconds(clock: Resource) -> int | None:
    expression = require_text(clock.properties.get("ScheduleExpression"), "ScheduleExpression")
    return seconds_between(expression or "")


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == FUNCTION:
        yield from _of_function(resource, interval_of(resource, world) or 0, world)
        return
    single = resource.type == SCHEDULE
    listed = [resource.properties.get("Target")] if single else require_list(resource.properties.get("Targets"), "Targets")
    for target in listed:
        policy = require_mapping(require_mapping(target, "a target").get("RetryPolicy"), "RetryPolicy")
        age = max(_seconds(resource) or 0, _MINUTE)
        yield from _over(policy, {_AGE: age, _RETRIES: age // _MINUTE}, _BY_EVENTBRIDGE, "RetryPolicy")


def _of_function(function: Resource, interval: int, world: TemplateSet) -> Iterator[str]:
    timeout = require_number(function.properties.get("Timeout"), "Timeout") or _DEFAULT_TIMEOUT
    ends = [timeout * number + sum(_WAITS[:number]) for number in range(1, len(_WAITS) + 1)]
    most = {_AGE: max(interval, _MINUTE), _RETRIES: sum(end < interval for end in ends)}
    settings = [properties for config in of_type(world, _CONFIG) for properties in _for(config, function, world)] or [{}]
    for properties in settings:
        yield from _over(properties, most, _BY_LAMBDA, _CONFIG)


def _for(config: Resource, function: Resource, world: TemplateSet) -> Iterator[Mapping[str, Json]]:
    """Yield the versions of a configuration that are for what a schedule invokes, the function without a qualifier."""
    for properties in branches(config.properties):
        value = properties.get("FunctionName")
        target = None if is_absent(value) else find(value, config.template, world, FUNCTION)
        is_latest = require_text(properties.get("Qualifier"), "Qualifier") == "$LATEST"
        if target is not None and is_same(target, function) and is_latest and is_there_with(config, function):
            yield properties


def _over(settings: Mapping[str, Json], most: Mapping[str, int], default: Mapping[str, int], place: str) -> Iterator[str]:
    for name, limit in most.items():
        value = require_number(settings.get(name), name)
        number = default[name] if value is None else value
        if number > limit:
            shown = f"not set, so {number:,}" if value is None else f"{number:g}"
            yield f"{name} of {place} is {shown}; the next run is due, so it must be {limit:,} or less"


RULE: Final = Rule(
    title="A run of a schedule that fails or comes late is not tried again when the next one is due",
    why=(
        "By default EventBridge tries for a day and Lambda for six hours. After an outage all runs that were missed start "
        "at once, with what they knew of the regions then, and take the concurrency of the run that is due."
    ),
    fix=(
        "Set MaximumEventAgeInSeconds to the schedule's interval or less, and MaximumRetryAttempts to what fits before the "
        "next run, in the target's RetryPolicy and in an AWS::Lambda::EventInvokeConfig of the function's $LATEST."
    ),
    judge=rule_from(_violations, FUNCTION, EVENT_RULE, SCHEDULE, applies=_is_scheduled),
    controls=nist("CP-10", "SC-5", "SI-17") + hipaa("164.308(a)(7)(i)"),
)
