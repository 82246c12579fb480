"""Stacks that stand in several regions, and what in them hangs on the outside."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.cfn.symmetry import twins
from compliance.cfn.templates import STACK, Json, Resource, Template, TemplateSet

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_MAPPING: Final = "${Fn::FindInMap"


def twin_regions(resource: Resource, world: TemplateSet) -> list[str]:
    """Return the other regions in which the resource's stack stands."""
    return sorted({template.region for template in twins(resource, world)})


def stands_in_several(resource: Resource, world: TemplateSet) -> bool:
    """Return whether it is a resource of a stack that stands in several regions."""
    return resource.type != STACK and bool(twin_regions(resource, world))


def may_say(text: str, template: Template) -> str | None:
    """Return the part of a rendered text that is unknown: a mapping, or a parameter without allowed values; else None."""
    if _MAPPING in text:
        return "a mapping"
    for name, parameter in _parameters_in(text, template):
        if "AllowedValues" not in parameter and parameter.get("Type") != "Number":
            return f"parameter {name}"
    return None


def allowed_texts(text: str, template: Template) -> Iterator[str]:
    """Yield the text, and each value that the parameters in it are allowed to have."""
    yield text
    for _, parameter in _parameters_in(text, template):
        values = parameter.get("AllowedValues")
        yield from map(str, values if isinstance(values, list) else ())


def _parameters_in(text: str, template: Template) -> Iterator[tuple[str, Mapping[str, Json]]]:
    declared = template.body.get("Parameters") if "${" in text else None
    if isinstance(declared, Mapping):
        for name in _VARIABLE.findall(text):
            if isinstance(declared.get(name), Mapping):
                yield name, declared[name]
