"""Operators that damage a template: drop, disable, switch, widen, weaken, rename, cross-wire, insert and remove.

All except `lopside` damage every region alike; `lopside` tests the rules that compare regions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from compliance.cfn.templates import STACK, Json, Resource, Template, TemplateSet
from compliance.engine.candidates import REMOVED, Pointer
from compliance.mutants.attacks import BESIDE, SECTIONS, attacks_on
from compliance.mutants.insertions import insertions_into, resources_into
from compliance.mutants.mutant import Mutant, copies
from compliance.mutants.switches import switches_of

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
    "RetainExceptOnCreate": "Delete",
    "2.0": "1.0",  # the payload format of an HTTP API
    "arm64": "x86_64",
    "GreaterThanThreshold": "LessThanThreshold",
    "GreaterThanOrEqualToThreshold": "LessThanOrEqualToThreshold",
    "LessThanThreshold": "GreaterThanThreshold",
}
_ANY: Final = {"Action": "*", "Resource": "*", "Principal": "*", "AllowedOrigins": ["*"], "AllowOrigins": ["*"]}
_ANYWHERE: Final = {"CidrIp": "0.0.0.0/0", "CidrIpv6": "::/0"}
_LESS: Final = {"TrafficType": "REJECT", "ProjectionType": "KEYS_ONLY"}
_FACTOR: Final = 100
_DEPTH: Final = 12
_TOP: Final = 2
"""Steps to a property of the resource itself."""
_LOPSIDED: Final = frozenset({"rename", "inflate", "deflate"})
_OF_KINDS: Final = frozenset({"AWS::S3::Bucket", "AWS::SQS::Queue"})
"""Types whose resources have different purposes."""
_ALIKE: Final = frozenset({"escalate", "trust"})
"""Operators that append a statement: one policy stands for all, because what is granted there is judged alike."""
LOPSIDE: Final = "lopside"
_TOPIC_ARN: Final = {"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:serverless-alarms-prod"}
_NAMES: Final = ("FunctionName", "LogGroupName", "QueueName", "TableName", "TopicName")
_ATTRIBUTES: Final = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")


def mutants_of(world: TemplateSet) -> Iterator[Mutant]:
    """Return every systematic damage: each kind of damage to each property, once for each distinct case.

    A property of several resources of one type is damaged once for each distinct value: two queues with the same
    retention are one case, and two different policies are two.
    """
    seen: set[object] = set()
    for template in world.templates:
        for resource in template.resources:
            if not resource.type or resource.type == "AWS::CDK::Metadata":
                continue
            stacks = tuple(sorted(copies(world, resource)))
            for change in _changes(resource, world):
                for mutant in _of_resource(resource, stacks, change):
                    case = (*_case(mutant), _kind(resource))
                    if case not in seen and mutant.id not in seen:
                        seen |= {case, mutant.id}
                        yield mutant
    yield from _of_templates(world)


def _of_resource(resource: Resource, stacks: tuple[str, ...], change: Change) -> Iterator[Mutant]:
    """Return the mutant for every region, and for a name or a size also one for a single region."""
    operator, pointer, before, after = change
    mutant = Mutant(
        operator=operator,
        resource_type=resource.type,
        logical_id=resource.logical_id,
        stacks=stacks,
        pointer=pointer,
        before=before,
        after=after,
    )
    yield mutant
    if len(stacks) > 1 and operator in _LOPSIDED and len(pointer) == _TOP:
        yield replace(mutant, operator=LOPSIDE, stacks=(resource.template.name,))


def _of_templates(world: TemplateSet) -> Iterator[Mutant]:
    """Damage to templates as a whole: the stack's name, resources that were not there, and every resource of a type."""
    for stacks in _copies_of_stacks(world):
        template = next(each for each in world.templates if each.name == stacks[0])
        whole = Mutant(
            operator="rename",
            resource_type=STACK,
            logical_id="",
            stacks=stacks,
            pointer=("stack_name",),
            before="",
            after="",
        )
        if template.stack_name:
            other = f"{template.stack_name.removesuffix(world.environment)}other"
            yield replace(whole, before=template.stack_name, after=other)
        for operator, pointer, before, after in resources_into(template, stands_in_several=len(stacks) > 1):
            yield replace(whole, operator=operator, resource_type=after["Type"], pointer=pointer, before=before, after=after)
        for operator, name, kind, properties in BESIDE:
            given = {"TopicArn": _TOPIC_ARN, **properties} if kind == "AWS::SNS::Subscription" else properties
            inserted = {"Type": kind, "Properties": given}
            yield replace(
                whole,
                operator=operator,
                resource_type=kind,
                pointer=("Resources", f"Attack{name}"),
                before=None,
                after=inserted,
            )
        for pointer, after in SECTIONS:
            yield replace(whole, operator="secret", pointer=pointer, before=None, after=after)
        for kind in _removable(template):
            yield replace(whole, operator="clear", resource_type=kind, pointer=("Types", kind), before=kind, after=REMOVED)


def _copies_of_stacks(world: TemplateSet) -> list[tuple[str, ...]]:
    """Return the templates by stack, each once."""
    by_stack: dict[str, list[str]] = {}
    for template in world.templates:
        by_stack.setdefault(template.stack_name or template.name, []).append(template.name)
    return [tuple(sorted(names)) for names in by_stack.values()]


def _removable(template: Template) -> list[str]:
    """Return the types that have several resources, or one in the system, if no other type refers to them."""
    kinds = sorted({resource.type for resource in template.resources} - {"", "AWS::CDK::Metadata"})
    return [
        kind for kind in kinds if not any(_is_needed(template, each) for each in template.resources if each.type == kind)
    ]


def _is_needed(template: Template, resource: Resource) -> bool:
    kind = resource.type
    others = {name: body for name, body in template.body["Resources"].items() if body.get("Type") != kind}
    return any(_mentions(body, resource.logical_id) for body in (*others.values(), template.body.get("Outputs", {})))


def _case(mutant: Mutant) -> tuple[str, ...]:
    """Return the key by which two mutants are the same case."""
    after = repr(mutant.after) if mutant.operator != "cross-wire" else ""
    if mutant.operator in _ALIKE:
        after = repr(mutant.after[-1])
    return mutant.operator, mutant.resource_type, mutant.place, _alike(mutant.before), after


def _kind(resource: Resource) -> tuple[str, ...]:
    """Return the purpose of a resource by its properties: a bucket that replicates differs from one for logs."""
    return tuple(sorted(map(str, resource.properties))) if resource.type in _OF_KINDS else ()


def _changes(resource: Resource, world: TemplateSet) -> Iterator[Change]:
    template = resource.template
    if not _is_referred_to(template, resource.logical_id):
        yield "remove", (), resource.type, REMOVED
    body = template.body["Resources"][resource.logical_id]
    for attribute in _ATTRIBUTES:
        if attribute in body:
            yield from _damages_to_attribute(attribute, body[attribute])
    for pointer, value in _places(resource.properties, ("Properties",)):
        yield from _damages(pointer, value, template, world)
    yield from insertions_into(resource, world)
    yield from switches_of(resource)
    for attack in attacks_on(resource):
        # CloudFormation refuses a reference to a resource that is not there.
        if attack[0] != "condition" or not _is_referred_to(template, resource.logical_id):
            yield attack


def _damages_to_attribute(attribute: str, value: Json) -> Iterator[Change]:
    yield "drop", (attribute,), value, REMOVED
    if isinstance(value, str) and value in _OPPOSITES:
        yield "weaken", (attribute,), value, _OPPOSITES[value]


def _damages(pointer: Pointer, value: Json, template: Template, world: TemplateSet) -> Iterator[Change]:
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
        yield "inflate", pointer, value, value * _FACTOR or _FACTOR
        if value > 1:
            yield "deflate", pointer, value, 1
    elif isinstance(value, str):
        yield from _damages_to_text(pointer, value, template, world)
    elif isinstance(value, Mapping):
        yield from _cross_wires(pointer, value, template)


def _damages_to_text(pointer: Pointer, value: str, template: Template, world: TemplateSet) -> Iterator[Change]:
    if value in _OPPOSITES:
        yield "weaken", pointer, value, _OPPOSITES[value]
    if value.endswith(f"-{world.environment}"):
        yield "rename", pointer, value, f"{value.removesuffix(world.environment)}other"
    regions = sorted({template.region for template in world.templates if template.region})
    for region in regions:
        other = next((found for found in regions if found != region), "")
        if other and re.search(rf"\b{re.escape(region)}\b", value):
            yield "cross-wire", pointer, value, value.replace(region, other)
    if "Dimensions" in pointer:
        for other in _other_names(value, template)[:1]:
            yield "cross-wire", pointer, value, other


def _other_names(value: str, template: Template) -> list[str]:
    """Return the names of other resources of the type of the resource with this name."""
    named = [(resource.type, name) for resource in template.resources for name in _names(resource)]
    kinds = {kind for kind, name in named if name == value}
    return [name for kind, name in named if kind in kinds and name != value]


def _names(resource: Resource) -> list[str]:
    return [name for key in _NAMES if isinstance(name := resource.properties.get(key), str)]


def _cross_wires(pointer: Pointer, value: Mapping[str, Json], template: Template) -> Iterator[Change]:
    """Refer to another resource of the same type instead, or to one of the account that no template declares."""
    match dict(value):
        case {"Ref": str(target)} if len(value) == 1:
            for other in _others(template, target)[:1]:
                yield "cross-wire", pointer, value, {"Ref": other}
            if target in template.by_logical_id:
                yield "stray", pointer, value, "elsewhere"
        case {"Fn::GetAtt": [str(target), attribute]} if len(value) == 1:
            for other in _others(template, target)[:1]:
                yield "cross-wire", pointer, value, {"Fn::GetAtt": [other, attribute]}
            kind = template.by_logical_id[target].type if target in template.by_logical_id else ""
            if kind.startswith("AWS::"):
                arn = f"arn:aws:{kind.split('::')[1].lower()}:{template.region}:000000000000:elsewhere"
                yield "stray", pointer, value, arn if attribute.endswith("Arn") else "elsewhere"


def _others(template: Template, target: str) -> list[str]:
    types = {resource.logical_id: resource.type for resource in template.resources}
    return [logical_id for logical_id, kind in types.items() if kind == types.get(target) and logical_id != target]


def _places(value: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    """Yield every value below, except the arguments of intrinsic functions, which are not properties."""
    if len(pointer) > _DEPTH or _is_intrinsic(value):
        return
    if _is_tag(value):
        return  # a tag needs both parts, so the whole tag is dropped
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield (*pointer, step), child
        yield from _places(child, (*pointer, step))


def _is_tag(value: Json) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"Key", "Value"}


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
    """Return the key by which two values are the same case: names of resources and numbers do not count."""
    return re.sub(r"[0-9A-F]{8}\b|\d+|serverless-[a-z-]+", "", repr(value))
