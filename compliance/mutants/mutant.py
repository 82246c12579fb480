"""A mutant: one damage to a template, applied to every region's copy at once."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.engine.candidates import REMOVED, Pointer, Step, at_or_none

CONDITIONS: Final[Mapping[str, Json]] = {
    "Never": {"Fn::Equals": ["a", "b"]},
    "Elsewhere": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
    "OnRequest": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]},
}
"""The conditions that an attack puts on a resource, by name: false always, outside of a region, and by a parameter."""
_PARAMETERS: Final = {"Wanted": {"Type": "String", "Default": "yes", "AllowedValues": ["yes", "no"]}}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One damage.

    Attributes:
        operator: The kind of damage, for example `drop`.
        resource_type: Type of the damaged resource.
        logical_id: Its logical id, the same in both regions. Empty for a damage to a template as a whole.
        stacks: The names of the templates that are damaged alike. A damage to one region only would be found by the
            comparison of regions, and prove nothing about the rule under test. The operator `lopside` tests the comparison.
        pointer: The place in the resource's body; empty for the whole resource. Without a logical id: `stack_name`;
            `Resources` and a new logical id; `Types` and the type whose resources are all removed; or another section of the
            template and a name in it.
        before: The original value.
        after: The new value, or REMOVED.
    """

    operator: str
    resource_type: str
    logical_id: str
    stacks: tuple[str, ...]
    pointer: Pointer
    before: Json
    after: Any

    @property
    def place(self) -> str:
        """The place, with every position in a list as `*`, so that it is equal for resources of one type."""
        return ".".join("*" if isinstance(step, int) else step for step in self.pointer)

    @property
    def id(self) -> str:
        """A short id that is the same in every run over the same templates."""
        where = json.dumps([self.operator, self.stacks[0], self.logical_id, self.pointer, repr(self.after)])
        return hashlib.sha256(where.encode()).hexdigest()[:10]

    def __str__(self) -> str:
        what = f"{_short(self.before)} -> {'removed' if self.after is REMOVED else _short(self.after)}"
        where = ".".join(map(str, self.pointer)) or "the resource"
        which = self.logical_id or f"of {', '.join(self.stacks)}"
        return f"{self.operator} {self.resource_type} {which} {where}: {what}"


def damage(world: TemplateSet, mutant: Mutant) -> TemplateSet:
    """Return damaged templates; the originals are unchanged."""
    templates = tuple(_damaged(t, mutant) if t.name in mutant.stacks else t for t in world.templates)
    return replace(world, templates=templates)


def copies(world: TemplateSet, resource: Resource) -> tuple[str, ...]:
    """Return the templates that hold this resource: its own, and the other region's copy of the same stack."""
    return (resource.template.name, *(other.template.name for other in world.in_other_regions(resource)))


def at(body: Json, pointer: Iterable[Step]) -> Json:
    """Return the value at a pointer.

    Raises:
        LookupError: There is no value.
        TypeError: The pointer leads through a value without parts.
    """
    for step in pointer:
        body = body[step]
    return body


def settable(resource: Resource, place: Pointer, after: Json) -> tuple[Pointer, Json]:
    """Return the pointer and the value that set a property; the maps above it that are missing are set with it."""
    while len(place) > 1 and at_or_none(resource.properties, place[:-1]) is None:
        place, after = place[:-1], {place[-1]: after}
    return ("Properties", *place), after


def _damaged(template: Template, mutant: Mutant) -> Template:
    if not mutant.logical_id:
        return _damaged_as_a_whole(template, mutant)
    resources = dict(template.body["Resources"])
    # Through JSON: a copy that keeps shared parts shared would damage each of them.
    resource = json.loads(json.dumps(resources.pop(mutant.logical_id)))
    if mutant.pointer:
        resources[mutant.logical_id] = resource
        *way, last = mutant.pointer
        try:
            parent = at(resource, way)
            if mutant.after is REMOVED:
                del parent[last]
            else:
                parent[last] = mutant.after
        except (LookupError, TypeError):
            pass  # this region's copy has no such value: only the other copy is damaged
    if mutant.pointer == ("Condition",):
        added = {
            "Conditions": {**template.body.get("Conditions", {}), mutant.after: CONDITIONS[mutant.after]},
            "Parameters": {**template.body.get("Parameters", {}), **_PARAMETERS},
        }
        template = replace(template, body={**template.body, **added})
    return _with(template, resources)


def _damaged_as_a_whole(template: Template, mutant: Mutant) -> Template:
    resources = template.body["Resources"]
    match mutant.pointer:
        case ("stack_name",):
            return replace(template, stack_name=mutant.after, text="", file="")
        case ("Types", kind):
            return _with(template, {name: body for name, body in resources.items() if body.get("Type") != kind})
        case ("Resources", str(name)):
            return _with(template, {**resources, name: mutant.after})
        case ("Description", _):
            return replace(template, body={**template.body, "Description": mutant.after}, text="", file="")
        case (str(section), str(name)):
            changed = {**template.body, section: {**template.body.get(section, {}), name: mutant.after}}
            return replace(template, body=changed, text="", file="")
    raise ValueError(f"{mutant.pointer} is not a place of a template as a whole")


def _with(template: Template, resources: dict[str, Json]) -> Template:
    return replace(template, body={**template.body, "Resources": resources}, text="", file="")


def _short(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 70 else f"{text[:67]}..."  # noqa: PLR2004 - what fits beside the rest of a line
