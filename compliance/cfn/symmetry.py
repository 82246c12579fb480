"""Compare two regions' templates of one stack.

Differences that must exist are replaced first: the names of the two regions, the stack's construct id in paths and
generated texts, the logical ids of the same construct, and the ids of AWS's prefix lists.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Final, NamedTuple

from compliance.cfn.caching import cached
from compliance.cfn.references import resource_of
from compliance.cfn.templates import STACK, Json, Resource, Template, TemplateSet

COMPARED: Final = ("Condition", "CreationPolicy", "DeletionPolicy", "Properties", "UpdatePolicy", "UpdateReplacePolicy")
"""The parts of a resource that are compared. DependsOn and Metadata have no effect after the deployment."""

COMPARED_OF_TEMPLATE: Final = ("Conditions", "Mappings", "Outputs", "Parameters", "Rules")
"""The parts of a template that are compared. Its description names its region."""

_UNORDERED: Final = frozenset({"Action", "NotAction", "NotResource", "Resource"})
_PREFIX_LIST: Final = re.compile(r"\bpl-[0-9a-f]{8,}\b")
_STACK: Final = "{stack}"
_HASHED: Final = re.compile(r"(\{stack\}\w*?)[0-9A-F]{8}(?!\w)")
"""A construct's id as CDK makes it from the path with the stack, followed by the hash of that path."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)")


class Difference(NamedTuple):
    """One difference: its path and the value on each side, after the replacements."""

    place: str
    here: Json
    there: Json


class _Absent:
    """There is no value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()


def twins(resource: Resource, world: TemplateSet) -> list[Template]:
    """Return the templates of the resource's stack in other regions."""
    mine = resource.template
    if not mine.stack_name or not mine.region:
        return []
    return [
        template
        for template in world.templates
        if template.stack_name == mine.stack_name and template.region and template.region != mine.region
    ]


def counterpart(resource: Resource, twin: Template) -> Resource | None:
    """Return the same construct in another region's template."""
    if resource.type == STACK:
        return twin.as_resource
    return _constructs(twin).get((resource.type, path_of(resource)))


@cached
def _constructs(template: Template) -> Mapping[tuple[str, str], Resource]:
    """Return the template's resources by type and path."""
    return {(resource.type, path_of(resource)): resource for resource in template.resources}


def path_of(resource: Resource) -> str:
    """Return the construct path without the stack's id, also where it is part of another construct's id."""
    return _without_stack(resource.path_in_stack, resource.template)


def differences(resource: Resource, other: Resource) -> Iterator[Difference]:
    """Yield every difference between a resource and its counterpart; lists of different lengths differ as a whole."""
    yield from _between(_plain(resource, other.template), _plain(other, resource.template), ())


def _plain(resource: Resource, twin: Template) -> Json:
    template = resource.template
    whole = resource.type == STACK
    body = template.body if whole else template.body["Resources"][resource.logical_id]
    parts = COMPARED_OF_TEMPLATE if whole else COMPARED
    numbers: dict[str, str] = {}
    text = partial(_text, template=template, twin=twin, numbers=numbers)
    empty: Mapping[str, Json] = {part: {} for part in ("Properties", *COMPARED_OF_TEMPLATE)}
    return {part: _same_words(value, template, text) for part, value in {**empty, **body}.items() if part in parts}


def _same_words(value: Json, template: Template, text: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_same_words(part, template, text) for part in value]
    if not isinstance(value, Mapping):
        return value
    reference = _reference(value, template)
    if reference is not None:
        return reference
    plain = {text(key): _same_words(part, template, text) for key, part in _named(value, template).items()}
    if "Effect" in plain:
        # CDK sorts the actions and resources of a policy statement by their text, which differs between regions.
        for key in _UNORDERED & plain.keys():
            if isinstance(plain[key], list):
                plain[key] = sorted(plain[key], key=json.dumps)
    return plain


def _reference(value: Mapping[str, Json], template: Template) -> Json:
    """Return a reference with the construct's path and one form for attributes; None if it is not a reference."""
    match dict(value):
        case {"Ref": str(name), **rest} if not rest:
            return {"Ref": _construct(name, template)}
        case {"Fn::GetAtt": [str(name), *attribute], **rest} if not rest:
            return {"Fn::GetAtt": [_construct(name, template), *attribute]}
        case {"Fn::GetAtt": str(name), **rest} if not rest:
            logical_id, _, attribute_name = name.partition(".")
            return {"Fn::GetAtt": [_construct(logical_id, template), attribute_name]}
    return None


def _named(value: Mapping[str, Json], template: Template) -> Mapping[str, Json]:
    """Return the text of an Fn::Sub with its logical ids replaced."""
    match value.get("Fn::Sub"):
        case str(text):
            return {**value, "Fn::Sub": _with_constructs(text, template)}
        case [str(text), *variables]:
            return {**value, "Fn::Sub": [_with_constructs(text, template), *variables]}
    return value


def _with_constructs(text: str, template: Template) -> str:
    return _VARIABLE.sub(lambda found: "${" + _construct(found[1], template), text)


def _construct(logical_id: str, template: Template) -> str:
    resource = resource_of(template, logical_id)
    return logical_id if resource is None else path_of(resource)


def _text(value: str, *, template: Template, twin: Template, numbers: dict[str, str]) -> str:
    for words, instead in ((template.region, "{this region}"), (twin.region, "{the other region}")):
        value = value.replace(words, instead)
    value = _without_stack(value, template)
    return _PREFIX_LIST.sub(lambda found: numbers.setdefault(found[0], f"{{prefix list {len(numbers) + 1}}}"), value)


def _without_stack(text: str, template: Template) -> str:
    return _HASHED.sub(r"\1", text.replace(template.name, _STACK))


def _between(here: Json, there: Json, path: tuple[str, ...]) -> Iterator[Difference]:
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in sorted(here.keys() | there.keys()):
            yield from _between(here.get(key, ABSENT), there.get(key, ABSENT), (*path, key))
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for index, one, other in zip(count(), here, there, strict=False):
            yield from _between(one, other, (*path, str(index)))
    elif here is not there and (type(here) is not type(there) or here != there):
        yield Difference(".".join(path), here, there)
