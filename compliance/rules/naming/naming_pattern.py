"""Every name that can be set is `<prefix>-<resource>-<environment>`."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.names import bare, expected, named_by, pattern
from compliance.cfn.reading import possible_texts
from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.candidates import Candidate, edit
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed

_ENVIRONMENTS: Final = frozenset({"dev", "int", "prod", "production", "qa", "stage", "staging", "test", "uat"})
"""Last words of a name that are an environment; another last word belongs to the resource."""


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at the property that names the resource."""
    named = named_by(resource)
    if named is None:
        return NOT_APPLICABLE
    name_property, value = named
    for name in possible_texts(value):
        if name is None:
            return failed(f"{name_property} is not set, so AWS makes up a name; set it to {expected(world)}")
        if not pattern(world).fullmatch(bare(resource.type, name)):
            return failed(
                f"{name_property} is {name!r}; it must be {expected(world)}, the resource in lower-case words, digits and "
                "single hyphens"
            )
    return PASSED


def _repair(resource: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """End the name with the environment, in place of another environment or after it, and begin it with the prefix."""
    name_property, value = named_by(resource) or ("", None)
    if not isinstance(value, str):
        return
    lead, suffix = ("alias/", "") if value.startswith("alias/") else ("", ".fifo" if value.endswith(".fifo") else "")
    middle = value.removeprefix(lead).removesuffix(suffix).removeprefix(f"{world.prefix}-")
    start, _, end = middle.rpartition("-")
    taken = [named_by(each) for each in resource.template.resources if each.type == resource.type]
    for part in (start, middle) if end in _ENVIRONMENTS and start else (middle,):
        name = f"{lead}{world.prefix}-{part}-{world.environment}{suffix}"
        if (name_property, name) not in taken:
            yield edit(resource, ("Properties", name_property), name)


RULE = Rule(
    title="A resource whose name can be set is named <prefix>-<resource>-<environment>",
    why=(
        "The regional stacks refer to each other's resources by name and never by export, and operators find a resource by "
        "its name. A generated or different name breaks both."
    ),
    fix="Name the resource <prefix>-<resource>-<environment>, by one function that makes all names. Every "
    "template declares the prefix in Metadata.Lockstep.Prefix; without one it is serverless.",
    judge=judge,
    repair=_repair,
)
