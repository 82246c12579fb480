"""Ways to change one place of a resource, and the values that replace what stands there."""

import copy
from typing import Any

UNKNOWN = {"Ref": "AParameter"}
"""A value that only a deployment knows."""
ABSENT = {"Ref": "AWS::NoValue"}

Resource = dict[str, Any]
Path = tuple[str | int, ...]


def changed(resource: Resource, *path: str | int, to: Any) -> Resource:  # noqa: ANN401 - any JSON
    """Return a copy of the resource with another value at a place below its Properties."""
    copied = copy.deepcopy(resource)
    place: Any = copied["Properties"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return copied


def without(resource: Resource, *path: str | int) -> Resource:
    """Return a copy of the resource without what stands at a place below its Properties."""
    copied = copy.deepcopy(resource)
    place: Any = copied["Properties"]
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return copied


def either(one: Any, other: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a value that hangs on a condition."""
    return {"Fn::If": ["ACondition", one, other]}
