"""The ways of damaging a template: drop, disable, widen, weaken, rename, cross-wire, and removal of whole resources."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.mutants.mutant import REMOVED, Mutant, Pointer, copies
from compliance.templates import Json, Resource, Template, World

Change = tuple[str, Pointer, Json, Json]
"""Operator, pointer, before, after."""

_OPPOSITES: Final = {
    "Enabled": "Disabled",
    "ENABLED": "DISABLED",
    "Deny": "Allow",
    "aws:kms": "AES256",
    "PRIMARY": "SECONDARY",
    "SECONDARY": "PRIMARY",
    "Allow": "Terminate",  # Lambda's RecursiveLoop
    "AWS_IAM": "NONE",
    "account-regional": "global",
    "Active": "PassThrough",
    "HTTPS": "HTTP",
    "COMPLIANCE": "GOVERNANCE",
    "STRONG": "EVENTUAL",
    "breaching": "notBreaching",
    "true": "false",
    "Retain": "Delete",
}
_ANY: Final = {"Action": "*", "Resource": "*", "Principal": "*", "AllowedOrigins": ["*"], "AllowOrigins": ["*"]}
_ANYWHERE: Final = {"CidrIp": "0.0.0.0/0", "CidrIpv6": "::/0"}
_LESS: Final = {"TrafficType": "REJECT"}
_FACTOR: Final = 100
_DEPTH: Final = 12
_ATTRIBUTES: Final = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")


def mutants_of(world: World) -> Iterator[Mutant]:
    """Every systematic damage, each kind of damage to each property once for each construct that has it.

    A property that several resources of one type have is damaged in each of them where what it says differs: two queues
    with the same retention are one case, two policies are two.
    """
    seen: set[tuple[object, ...]] = set()
    for template in world.templates:
        for resource in template.resources:
            if not resource.type or resource.type == "AWS::CDK::Metadata":
                continue
            stacks = copies(world, resource)
            for operator, pointer, before, after in _changes(resource, world):
                mutant = Mutant(
                    operator=operator,
                    resource_type=resource.type,
                    logical_id=resource.logical_id,
                    stacks=tuple(sorted(stacks)),
                    pointer=pointer,
                    before=before,
                    after=after,
                )
                case = (
                    operator,
                    resource.type,
                    mutant.place,
                    _alike(before),
                    repr(after) if operator != "cross-wire" else "",
                )
                if case not in seen:
                    seen.add(case)
                    yield mutant


def _changes(resource: Resource, world: World) -> Iterator[Change]:
    template = resource.template
    if not _is_referred_to(template, resource.logical_id):
        yield "remove", (), resource.type, REMOVED
    body = template.body["Resources"][resource.logical_id]
    for attribute in _ATTRIBUTES:
        if attribute in body:
            yield from _damages_to_attribute(attribute, body[attribute])
    for pointer, value in _places(resource.properties, ("Properties",)):
        yield from _damages(pointer, value, template, world)


def _damages_to_attribute(attribute: str, value: Json) -> Iterator[Change]:
    yield "drop", (attribute,), value, REMOVED
    if isinstance(value, str) and value in _OPPOSITES:
        yield "weaken", (attribute,), value, _OPPOSITES[value]


def _damages(pointer: Pointer, value: Json, template: Template, world: World) -> Iterator[Change]:
    yield "drop", pointer, value, REMOVED
    key = pointer[-1]
    if isinstance(key, str) and key in _ANY and value != _ANY[key]:
        yield "widen", pointer, value, _ANY[key]
    if isinstance(key, str) and key in _ANYWHERE:
        yield "widen", pointer, value, _ANYWHERE[key]
    if isinstance(key, str) and key in _LESS and value != _LESS[key]:
        yield "weaken", pointer, value, _LESS[key]
    if isinstance(value, bool):
        yield "disable", pointer, value, not value
    elif isinstance(value, int):
        yield "inflate", pointer, value, value * _FACTOR
        if value > 1:
            yield "deflate", pointer, value, 1
    elif isinstance(value, str):
        yield from _damages_to_text(pointer, value, world)
    elif isinstance(value, Mapping):
        yield from _cross_wires(pointer, value, template)


def _damages_to_text(pointer: Pointer, value: str, world: World) -> Iterator[Change]:
    if value in _OPPOSITES:
        yield "weaken", pointer, value, _OPPOSITES[value]
    if value.endswith(f"-{world.environment}"):
        yield "rename", pointer, value, f"{value.removesuffix(world.environment)}other"
    regions = sorted({template.region for template in world.templates if template.region})
    for region in regions:
        other = next((found for found in regions if found != region), "")
        if other and re.search(rf"\b{re.escape(region)}\b", value):
            yield "cross-wire", pointer, value, value.replace(region, other)


def _cross_wires(pointer: Pointer, value: Mapping[str, Json], template: Template) -> Iterator[Change]:
    """Refer to another resource of the same type instead."""
    match dict(value):
        case {"Ref": str(target)} if len(value) == 1:
            for other in _others(template, target)[:1]:
                yield "cross-wire", pointer, value, {"Ref": other}
        case {"Fn::GetAtt": [str(target), attribute]} if len(value) == 1:
            for other in _others(template, target)[:1]:
                yield "cross-wire", pointer, value, {"Fn::GetAtt": [other, attribute]}


def _others(template: Template, target: str) -> list[str]:
    types = {resource.logical_id: resource.type for resource in template.resources}
    return [logical_id for logical_id, kind in types.items() if kind == types.get(target) and logical_id != target]


def _places(value: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    """Every value below, down to the arguments of intrinsic functions, which are not properties."""
    if len(pointer) > _DEPTH or _is_intrinsic(value):
        return
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield (*pointer, step), child
        yield from _places(child, (*pointer, step))


def _is_intrinsic(value: Json) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _is_referred_to(template: Template, logical_id: str) -> bool:
    return any(
        _mentions(body, logical_id)
        for name, body in {**template.body["Resources"], "": template.body.get("Outputs", {})}.items()
        if name != logical_id
    )


def _mentions(value: Json, logical_id: str) -> bool:
    if isinstance(value, str):
        return f"${{{logical_id}" in value
    if isinstance(value, Mapping):
        if value.get("Ref") == logical_id or logical_id in _dependencies(value):
            return True
        target = value.get("Fn::GetAtt")
        if isinstance(target, list) and target[:1] == [logical_id]:
            return True
        return any(_mentions(child, logical_id) for child in value.values())
    return isinstance(value, list) and any(_mentions(child, logical_id) for child in value)


def _dependencies(value: Mapping[str, Json]) -> tuple[str, ...]:
    found = value.get("DependsOn", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _alike(value: Json) -> str:
    """What makes two values the same case: names of resources and numbers in them do not."""
    return re.sub(r"[0-9A-F]{8}\b|\d+|serverless-[a-z-]+", "", repr(value))
