"""Ways to change one place of a resource, and the values that replace what stands there."""

import copy
from collections.abc import Callable
from typing import Any

UNKNOWN = {"Ref": "AParameter"}
"""A value that only a deployment knows."""
ABSENT = {"Ref": "AWS::NoValue"}

Value = Any
"""Any JSON."""
Resource = dict[str, Any]
Path = tuple[str | int, ...]


def edited(resource: Resource, path: Path, edit: Callable[[Any, str | int], object]) -> Resource:
    """Return a copy of the resource after an edit of the container and key of a place below its Properties."""
    copied = copy.deepcopy(resource)
    place: Any = copied["Properties"]
    for step in path[:-1]:
        place = place[step]
    edit(place, path[-1])
    return copied


def changed(resource: Resource, *path: str | int, to: Value) -> Resource:
    """Return a copy of the resource with another value at a place below its Properties."""
    return edited(resource, path, lambda place, key: place.__setitem__(key, to))


def without(resource: Resource, *path: str | int) -> Resource:
    """Return a copy of the resource without what stands at a place below its Properties."""
    return edited(resource, path, lambda place, key: place.__delitem__(key))


def steps(path: str) -> Path:
    """Return the steps of a path like `Replicas.0.Region`."""
    return tuple(int(step) if step.isdigit() else step for step in path.split(".") if step)


def each(resource: Resource, path: str, *values: Value) -> list[Resource]:
    """Return a copy of the resource for each value, with that value at the place."""
    return [changed(resource, *steps(path), to=value) for value in values]


def lacking(resource: Resource, paths: str) -> list[Resource]:
    """Return a copy of the resource for each path, without what stands there; paths are separated by spaces."""
    return [without(resource, *steps(path)) for path in paths.split()]


def unknown(resource: Resource, paths: str) -> list[Resource]:
    """Return a copy of the resource for each path, with a value there that only a deployment knows."""
    return [changed(resource, *steps(path), to=UNKNOWN) for path in paths.split()]


def either(one: Value, other: Value) -> dict[str, Any]:
    return {"Fn::If": ["ACondition", one, other]}


def given(**parts: Value) -> dict[str, Any]:
    """Return the parts that are not None, so that a builder's caller can take a part away."""
    return {name: part for name, part in parts.items() if part is not None}


def resource(kind: str, /, **properties: Value) -> Resource:
    """Return a resource of `AWS::<kind>`; a property that is None is left out."""
    return {"Type": f"AWS::{kind}", "Properties": given(**properties)}


def conditional(it: Resource) -> Resource:
    return {**it, "Condition": "ACondition"}
