"""Which function is invoked by which queue."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.arns import find
from compliance.reading import branches
from compliance.references import follow, of_type, render
from compliance.rules.dead_letters import QUEUE, is_same
from compliance.templates import Resource, World
from compliance.values import UnresolvedError, describe

MAPPING: Final = "AWS::Lambda::EventSourceMapping"
FUNCTION: Final = "AWS::Lambda::Function"


def mappings_of(queue: Resource, world: World) -> Iterator[Resource]:
    """Every version of a mapping by which a function is invoked with the queue's messages."""
    for mapping in _versions(world):
        source = mapping.properties.get("EventSourceArn")
        target = None if source is None else find(source, mapping.template, world, QUEUE)
        if target is not None and is_same(target, queue):
            yield mapping


def mappings_to(function: Resource, world: World) -> Iterator[Resource]:
    """Every version of a mapping by which the function is invoked."""
    for mapping in _versions(world):
        value = mapping.properties.get("FunctionName")
        target = None if value is None else find(value, mapping.template, world, FUNCTION)
        if target is not None and is_same(target, function):
            yield mapping


def source_queue(mapping: Resource, world: World) -> Resource | None:
    """The queue that one version of a mapping reads; None if it reads no queue of the world."""
    value = mapping.properties.get("EventSourceArn")
    return None if value is None else find(value, mapping.template, world, QUEUE)


def reads_a_queue(mapping: Resource, world: World) -> bool:
    """Whether one version of a mapping reads an SQS queue, of this world or not.

    Raises:
        UnresolvedError: The template does not say what it reads.
    """
    if source_queue(mapping, world) is not None:
        return True
    value = mapping.properties.get("EventSourceArn")
    if value is None:
        return False  # A self-managed source has no ARN.
    followed, template = follow(value, mapping.template, world)
    text = render(followed, template)
    if text.startswith("arn:"):
        return text.split(":")[2] == "sqs"
    raise UnresolvedError(f"the templates do not say what {describe(value)} is")


def versions_of_function(mapping: Resource, world: World) -> list[Resource]:
    """Every version of the function that one version of a mapping invokes.

    Raises:
        UnresolvedError: No template of the world holds it.
    """
    value = mapping.properties.get("FunctionName")
    function = None if value is None else find(value, mapping.template, world, FUNCTION)
    if function is None:
        raise UnresolvedError(f"no template here holds the function of {mapping.logical_id}, {describe(value)}")
    return [replace(function, properties=properties) for properties in branches(function.properties)]


def _versions(world: World) -> Iterator[Resource]:
    for mapping in of_type(world, MAPPING):
        try:
            yield from (replace(mapping, properties=properties) for properties in branches(mapping.properties))
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.
