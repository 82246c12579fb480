"""Every asynchronous delivery has a dead-letter queue."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import QUEUE, TOPIC, Key, dead_letters_of, is_same, key_of
from compliance.aws.event_sources import FUNCTION, MAPPING, reads_a_queue
from compliance.aws.replication_terms import is_custom
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SUBSCRIPTION: Final = "AWS::SNS::Subscription"
_RULE: Final = "AWS::Events::Rule"
_SCHEDULE: Final = "AWS::Scheduler::Schedule"

_FOR_PEOPLE: Final = frozenset({"email", "email-json", "sms", "application"})
"""Subscriptions that notify a person and trigger no work."""

_ASYNCHRONOUS: Final = (
    "s3", "sns", "events", "scheduler", "logs", "ses", "config", "iot", "codecommit", "cloudformation", "secretsmanager",
)  # fmt: skip
"""The services that invoke a function asynchronously."""

_INVOKE_CONFIG: Final = "AWS::Lambda::EventInvokeConfig"


def _applies(resource: Resource, world: TemplateSet) -> bool:
    match resource.type:
        case "AWS::Lambda::Function":
            return _is_invoked_asynchronously(resource, world)
        case "AWS::Lambda::EventSourceMapping":
            # A queue redrives what fails; a stream sends it to the destination of the mapping.
            return "EventSourceArn" in resource.properties and not reads_a_queue(resource, world)
        case "AWS::SNS::Subscription":
            return require_text(resource.properties.get("Protocol"), "Protocol") not in _FOR_PEOPLE
        case "AWS::SNS::Topic":
            return any(True for _ in _inline_subscriptions(resource))
    return True


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == TOPIC:
        for subscription in _inline_subscriptions(resource):
            yield f"its subscription by {subscription} can name no dead-letter queue here; make it an {_SUBSCRIPTION}"
        return
    ways = dead_letters_of(resource)
    if resource.type == FUNCTION:
        ways += [way for config in _invoke_configs(resource, world) for way in dead_letters_of(config)]
        ways = [way for way in ways if way.target is not None] or ways[:1]
    for way in ways:
        if way.target is None:
            yield f"{way.place} has no dead-letter queue: what fails is gone"
        elif find(way.target, resource.template, world, QUEUE, TOPIC) is None:
            raise UnresolvedError(f"no template here holds {describe(way.target)}, where {way.place} puts what fails")


def _inline_subscriptions(topic: Resource) -> Iterator[str]:
    for entry in require_list(topic.properties.get("Subscription"), "Subscription"):
        protocol = require_text(require_mapping(entry, "Subscription").get("Protocol"), "Protocol")
        if protocol not in _FOR_PEOPLE:
            yield str(protocol)


def _is_invoked_asynchronously(function: Resource, world: TemplateSet) -> bool:
    return key_of(function) in _invoked(world)


@cached
def _invoked(world: TemplateSet) -> frozenset[Key]:
    """Return the functions that are invoked asynchronously."""
    targets = (
        find(value, owner.template, world, FUNCTION)
        for owner, named in _invocations(world)
        for value in branches(named)
        if value is not None
    )
    return frozenset(key_of(target) for target in targets if target is not None)


def _invocations(world: TemplateSet) -> Iterator[tuple[Resource, Json]]:
    """Yield every value that names an asynchronously invoked function, with the resource that has it."""
    for permission in of_type(world, "AWS::Lambda::Permission"):
        principal = permission.properties.get("Principal")
        if isinstance(principal, str) and principal.partition(".")[0] in _ASYNCHRONOUS:
            yield permission, permission.properties.get("FunctionName")
    for config in of_type(world, _INVOKE_CONFIG):
        yield config, config.properties.get("FunctionName")
    for schedule in of_type(world, "AWS::SecretsManager::RotationSchedule"):
        yield schedule, schedule.properties.get("RotationLambdaARN")
    for template in world.templates:
        for resource in template.resources:
            if is_custom(resource) and isinstance(resource.properties, dict):
                yield resource, resource.properties.get("ServiceToken")


def _invoke_configs(function: Resource, world: TemplateSet) -> Iterator[Resource]:
    for config in of_type(world, _INVOKE_CONFIG):
        for properties in branches(config.properties):
            value = properties.get("FunctionName")
            target = None if value is None else find(value, config.template, world, FUNCTION)
            if target is not None and is_same(target, function):
                yield replace(config, properties=properties)


RULE = Rule(
    title="Every subscription, event target, schedule and asynchronous invocation has a dead-letter queue",
    why=(
        "An asynchronous delivery is retried for a while and then dropped without an error: a rotation, a notification or "
        "an event that arrived while the function failed. ActivePassive-SQSAlarm reports what is kept."
    ),
    fix="Set RedrivePolicy, DeadLetterConfig or an on-failure destination to a queue that has an alarm.",
    judge=rule_from(_violations, FUNCTION, MAPPING, _SUBSCRIPTION, TOPIC, _RULE, _SCHEDULE, applies=_applies),
    controls=nist("AU-5", "CP-10", "SI-11", "SI-17"),
)
