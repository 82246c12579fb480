"""A function in a VPC has egress rules that name their destinations."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.networks import egress_beside, is_private, ranges_of
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_FUNCTION: Final = "AWS::Lambda::Function"
_GROUP: Final = "AWS::EC2::SecurityGroup"
_RULE: Final = "AWS::EC2::SecurityGroupEgress"


def _goes_out(resource: Resource, _world: TemplateSet) -> bool:
    return resource.type in {_GROUP, _RULE} or _is_in_vpc(resource)


def _is_in_vpc(function: Resource) -> bool:
    return bool(require_mapping(function.properties.get("VpcConfig"), "VpcConfig"))


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == _GROUP:
        yield from _of_group(resource, resource.properties, world)
    elif resource.type == _RULE:
        yield from _of_rule(resource, resource.properties, world)
    else:
        yield from _of_function(resource, world)


def _of_function(function: Resource, world: TemplateSet) -> Iterator[str]:
    config = require_mapping(function.properties.get("VpcConfig"), "VpcConfig")
    groups = require_list(config.get("SecurityGroupIds"), "VpcConfig.SecurityGroupIds")
    if not groups:
        yield "VpcConfig has no SecurityGroupIds; the VPC's default security group, which is open outward, would be used"
    for value in groups:
        group = named(value, function.template, world)
        if group is None or group.type != _GROUP:
            raise UnresolvedError(f"security group {describe(value)} is in none of the templates, so its egress is unknown")
        for properties in branches(group.properties):
            yield from _of_group(group, properties, world)


def _of_group(group: Resource, properties: Mapping[str, Json], world: TemplateSet) -> Iterator[str]:
    inline = require_list(properties.get("SecurityGroupEgress"), "SecurityGroupEgress")
    if not inline:
        yield f"{group.path} has no SecurityGroupEgress of its own; EC2 then adds rules that allow everything outward"
    for rule in [*inline, *egress_beside(group, world)]:
        yield from _of_rule(group, require_mapping(rule, "an egress rule"), world)


def _of_rule(owner: Resource, rule: Mapping[str, Json], world: TemplateSet) -> Iterator[str]:
    for cidr, name in ranges_of(rule, "DestinationPrefixListId", owner, world):
        if not is_private(cidr, f"{name} of an egress rule of {owner.path}"):
            yield f"{owner.path} allows egress to {cidr} on the internet; name an endpoint's security group or a prefix list"


RULE = Rule(
    title="A function in a VPC has security groups, and each group has egress rules of its own and none to the internet",
    why=(
        "EC2 gives a security group without egress rules one that allows all traffic. In a closed network that rule has no "
        "effect. Once a route is added, a compromised function can send out what it reads."
    ),
    fix="List SecurityGroupEgress: port 443 to the endpoints' group and to the prefix lists of S3 and DynamoDB.",
    judge=rule_from(_violations, _FUNCTION, _GROUP, _RULE, applies=_goes_out),
    controls=nist("AC-4", "SC-7", "SC-7(5)") + hipaa("164.312(a)(1)", "164.312(e)(1)") + pci("1.2.1", "1.3.4"),
)
