"""Functions that a clock runs, and nobody else: nothing waits for what they do, so nothing fails with what they ask."""

import json
import re
from collections.abc import Mapping
from typing import Final

from compliance.aws.dead_letters import Key, is_same, key_of
from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find, names_of
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, one_or_more, require_list, require_mapping, require_text
from compliance.cfn.references import is_there_with, named, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent

EVENT_RULE: Final = "AWS::Events::Rule"
SCHEDULE: Final = "AWS::Scheduler::Schedule"
PERMISSION: Final = "AWS::Lambda::Permission"
_CLOCKS: Final = ("events.amazonaws.com", "scheduler.amazonaws.com")
_HARMLESS: Final = ("AWS::Lambda::EventInvokeConfig", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard")
"""Types that may speak of a function and do not call it."""
_POLICIES: Final = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
_ON: Final = (None, "ENABLED")
_DEFAULT_BUS: Final = "default"
"""The only event bus that runs schedules: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html"""
_RATE: Final = re.compile(r"rate\((?P<number>[1-9]\d*) (?P<unit>minute|hour|day)s?\)")
_MINUTES: Final = re.compile(r"cron\((\*|[*0]/(?P<step>[1-9]\d*)) \* [*?] \* [*?] \*\)")
_SECONDS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}


def interval_of(function: Resource, world: TemplateSet) -> int | None:
    """Seconds between two runs that schedules ask for in every branch of their conditions; None where none does.

    A schedule that is switched off, that is there on a condition only, or whose expression is neither a rate nor a cron
    expression of minutes, asks for none.

    Raises:
        UnresolvedError: A schedule's expression, state or target is not spelled out.
    """
    clocks = [clock for clock in of_type(world, EVENT_RULE, SCHEDULE) if is_there_with(clock, function)]
    found = [interval for clock in clocks if (interval := _interval(clock, function, world)) is not None]
    return min(found, default=None)


def _interval(clock: Resource, function: Resource, world: TemplateSet) -> int | None:
    """Return the longest interval of a schedule's branches; each branch must run the function."""
    found = []
    for properties in branches(clock.properties):
        is_clock = is_absent(properties.get("EventPattern")) and is_on_default_bus(properties)
        is_on = is_clock and require_text(properties.get("State"), "State") in _ON
        expression = require_text(properties.get("ScheduleExpression"), "ScheduleExpression") if is_on else None
        seconds = seconds_between(expression or "")
        if seconds is None or not any(_is(target, function, clock, world) for target in _targets(clock, properties)):
            return None
        found.append(seconds)
    return max(found, default=None)


def is_on_default_bus(properties: Mapping[str, Json]) -> bool:
    """Return whether a rule is on the default event bus, by its name or its ARN."""
    bus = require_text(properties.get("EventBusName"), "EventBusName") or _DEFAULT_BUS
    return bus.rpartition("/")[2] == _DEFAULT_BUS


def _targets(clock: Resource, properties: Mapping[str, Json]) -> list[Json]:
    listed = [properties.get("Target")] if clock.type == SCHEDULE else require_list(properties.get("Targets"), "Targets")
    return [require_mapping(target, "a target").get("Arn") for target in listed]


def _is(target: Json, function: Resource, clock: Resource, world: TemplateSet) -> bool:
    found = None if is_absent(target) else find(target, clock.template, world, FUNCTION)
    return found is not None and is_same(found, function)


def seconds_between(expression: str) -> int | None:
    """Return the seconds between two runs of a rate, or of a cron expression of minutes; None for any other."""
    if rate := _RATE.fullmatch(expression):
        return int(rate["number"]) * _SECONDS[rate["unit"]]
    if minutes := _MINUTES.fullmatch(expression):
        return int(minutes["step"] or 1) * _SECONDS["minute"]
    return None


def is_run_by_a_clock_alone(function: Resource, world: TemplateSet) -> bool:
    """Return whether a schedule runs the function and no other resource refers to it."""
    return key_of(function) in _run_by_a_clock(world)


def is_policy_of_a_scheduled_function(policy: Resource, world: TemplateSet) -> bool:
    """Return whether a policy is for the roles of such functions and for no other role."""
    if policy.type not in _POLICIES:
        return False
    roles = [named(each, policy.template, world) for each in one_or_more(policy.properties.get("Roles"), "Roles")]
    users = [_by_role(world).get(key_of(role), frozenset()) for role in roles if role is not None]
    return bool(users) and len(users) == len(roles) and all(used and used <= _run_by_a_clock(world) for used in users)


@cached
def _by_role(world: TemplateSet) -> Mapping[Key, frozenset[Key]]:
    """Return the functions that assume a role, by role."""
    found: dict[Key, set[Key]] = {}
    for function in of_type(world, FUNCTION):
        role = named(function.properties.get("Role"), function.template, world)
        if role is not None:
            found.setdefault(key_of(role), set()).add(key_of(function))
    return {role: frozenset(functions) for role, functions in found.items()}


@cached
def _run_by_a_clock(world: TemplateSet) -> frozenset[Key]:
    scheduled = [function for function in of_type(world, FUNCTION) if _has_a_clock(function, world)]
    return frozenset(key_of(function) for function in scheduled if not _is_mentioned_elsewhere(function, world))


def _has_a_clock(function: Resource, world: TemplateSet) -> bool:
    clocks = (each for each in of_type(world, EVENT_RULE, SCHEDULE) if _is_clock(each))
    return any(_mentions(clock, function) for clock in clocks)


def _is_mentioned_elsewhere(function: Resource, world: TemplateSet) -> bool:
    return any(
        _mentions(other, function) and not _may_mention(other)
        for template in world.templates
        for other in template.resources
        if key_of(other) != key_of(function)
    )


def _may_mention(other: Resource) -> bool:
    if other.type == PERMISSION:
        return other.properties.get("Principal") in _CLOCKS
    return other.type in _HARMLESS or _is_clock(other)


def _is_clock(resource: Resource) -> bool:
    if resource.type == SCHEDULE:
        return True
    properties = resource.properties
    is_timed = resource.type == EVENT_RULE and not is_absent(properties.get("ScheduleExpression"))
    return is_timed and is_absent(properties.get("EventPattern"))


def _mentions(other: Resource, function: Resource) -> bool:
    """Return whether a resource's properties hold the function's logical id, or a text that would call it by its name.

    Text, and not references that were followed: a mention that is none costs a declaration, one that is missed costs
    a dependency that nobody sees.
    """
    text = json.dumps(other.properties, default=str)
    words = [f"function:{name}" for name in names_of(function)]
    if other.template is function.template:
        words.append(function.logical_id)
    return any(re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9-])", text) for word in words)
