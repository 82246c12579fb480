"""Which function is invoked by which queue."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import QUEUE, Key, key_of
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches
from compliance.cfn.references import follow, of_type, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe

MAPPING: Final = "AWS::Lambda::EventSourceMapping"
FUNCTION: Final = "AWS::Lambda::Function"


def mappings_of(queue: Resource, world: TemplateSet) -> Sequence[Resource]:
    """Return every version of a mapping by which a function is invoked with the queue's messages."""
    return _mappings(world).get(("EventSourceArn", key_of(queue)), ())


def mappings_to(function: Resource, world: TemplateSet) -> Sequence[Resource]:
    """Return every version of a mapping by which the function is invoked."""
    return _mappings(world).get(("FunctionName", key_of(function)), ())


@cached
def _mappings(world: TemplateSet) -> Mapping[tuple[str, Key], list[Resource]]:
    """Return the versions of mappings by what a property of theirs names."""
    found: dict[tuple[str, Key], list[Resource]] = {}
    for mapping in of_type(world, MAPPING):
        try:
            for properties in branches(mapping.properties):
                version = replace(mapping, properties=properties)
                for name, kind in (("EventSourceArn", QUEUE), ("FunctionName", FUNCTION)):
                    value = properties.get(name)
                    target = None if value is None else find(value, mapping.template, world, kind)
                    if target is not None:
                        found.setdefault((name, key_of(target)), []).append(version)
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.
    return found


def source_queue(mapping: Resource, world: TemplateSet) -> Resource | None:
    """Return the queue that one version of a mapping reads; None if it reads no queue of the world."""
    value = mapping.properties.get("EventSourceArn")
    return None if value is None else find(value, mapping.template, world, QUEUE)


def reads_a_queue(mapping: Resource, world: TemplateSet) -> bool:
    """Return whether one version of a mapping reads an SQS queue, of this world or not.

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


def versions_of_function(mapping: Resource, world: TemplateSet) -> list[Resource]:
    """Return every version of the function that one version of a mapping invokes.

    Raises:
        UnresolvedError: No template of the world holds it.
    """
    value = mapping.properties.get("FunctionName")
    function = None if value is None else find(value, mapping.template, world, FUNCTION)
    if function is None:
        raise UnresolvedError(f"no template here holds the function of {mapping.logical_id}, {describe(value)}")
    return [replace(function, properties=properties) for properties in branches(function.properties)]
