"""The dead-letter queues of a template, and the resources that use them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError

QUEUE: Final = "AWS::SQS::Queue"
TOPIC: Final = "AWS::SNS::Topic"

DEFAULT_RETENTION: Final = 345_600
"""Seconds: four days, which SQS keeps a message if the queue does not say."""

Key: TypeAlias = tuple[str, str]
"""A resource in whatever version: its template's name and its logical id."""


_PLACES: Final = {
    QUEUE: ("RedrivePolicy", "deadLetterTargetArn"),
    "AWS::SNS::Subscription": ("RedrivePolicy", "deadLetterTargetArn"),
    "AWS::Lambda::Function": ("DeadLetterConfig", "TargetArn"),
    "AWS::Lambda::EventInvokeConfig": ("DestinationConfig", "OnFailure", "Destination"),
    "AWS::Lambda::EventSourceMapping": ("DestinationConfig", "OnFailure", "Destination"),
    "AWS::Scheduler::Schedule": ("Target", "DeadLetterConfig", "Arn"),
}
"""The types that have one dead-letter queue, and the property that names it."""

_RULE: Final = "AWS::Events::Rule"


class DeadLetter(NamedTuple):
    """One way to a dead-letter queue: what messages call it, and the value that names the queue; None for no queue."""

    place: str
    target: Json


def dead_letters_of(resource: Resource) -> list[DeadLetter]:
    """Return the ways of one version of a resource; none for a type that has none.

    Raises:
        UnresolvedError: A part on the way is not spelled out.
    """
    if resource.type == _RULE:
        targets = [
            require_mapping(target, "Targets") for target in require_list(resource.properties.get("Targets"), "Targets")
        ]
        return [
            DeadLetter(
                f"its target {target.get('Id', '')}",
                require_mapping(target.get("DeadLetterConfig"), "DeadLetterConfig").get("Arn"),
            )
            for target in targets
        ]
    if resource.type not in _PLACES:
        return []
    value: Json = resource.properties
    for step in _PLACES[resource.type]:
        value = require_mapping(value, step).get(step)
    return [DeadLetter("it", value)]


def users_of(queue: Resource, world: TemplateSet) -> Sequence[Resource]:
    """Everything that may put its dead letters in the queue, in the version that does."""
    return _users(world).get(key_of(queue), ())


@cached
def _users(world: TemplateSet) -> Mapping[Key, list[Resource]]:
    """Return, by queue, the resources that may send dead letters to it."""
    found: dict[Key, list[Resource]] = {}
    for user in _versions(world):
        try:
            targets = [
                find(way.target, user.template, world, QUEUE) for way in dead_letters_of(user) if way.target is not None
            ]
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.
        for queue in {key_of(target) for target in targets if target is not None}:
            found.setdefault(queue, []).append(user)
    return found


def is_dead_letter_queue(queue: Resource, world: TemplateSet) -> bool:
    """Return whether anything may put dead letters in the queue, or the queue allows other queues to."""
    allowed = queue.properties.get("RedriveAllowPolicy")
    allows = allowed is not None and not (isinstance(allowed, Mapping) and allowed.get("redrivePermission") == "denyAll")
    return allows or bool(users_of(queue, world))


def _versions(world: TemplateSet) -> Iterator[Resource]:
    for resource in of_type(world, _RULE, *_PLACES):
        try:
            yield from (replace(resource, properties=properties) for properties in branches(resource.properties))
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.


def key_of(resource: Resource) -> Key:
    """Return a key that is the same for all versions of one resource, and for no other resource."""
    return resource.template.name, resource.logical_id


def is_same(one: Resource, other: Resource) -> bool:
    """Return whether both are the same resource, in whatever version."""
    return key_of(one) == key_of(other)
