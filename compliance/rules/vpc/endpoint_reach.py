"""An endpoint is reachable from every function of its VPC, by the service's own name."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import key_of
from compliance.aws.networks import covers_port
from compliance.aws.subnets import SUBNET, VPC, in_vpc, zone_of
from compliance.cfn.reading import branches, require_bool, require_list, require_mapping, require_text
from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_TYPE: Final = "AWS::EC2::VPCEndpoint"
_GROUP: Final = "AWS::EC2::SecurityGroup"
_INGRESS: Final = "AWS::EC2::SecurityGroupIngress"
_TABLE: Final = "AWS::EC2::RouteTable"
_GATEWAY: Final = "Gateway"
_PORT: Final = 443
_INTERFACE: Final = "Interface"


def _kind(endpoint: Resource) -> str:
    return require_text(endpoint.properties.get("VpcEndpointType"), "VpcEndpointType") or _GATEWAY


def _violations(endpoint: Resource, world: TemplateSet) -> Iterator[str]:
    vpc = named(endpoint.properties.get("VpcId"), endpoint.template, world)
    vpc = vpc if vpc is not None and vpc.type == VPC else None
    if _kind(endpoint) == _GATEWAY:
        yield from _of_gateway(endpoint, vpc, world)
        return
    if not require_bool(endpoint.properties.get("PrivateDnsEnabled"), "PrivateDnsEnabled") and not _has_gateway(
        endpoint, world
    ):
        yield "PrivateDnsEnabled is not true, so the service's name leads past the endpoint, where there is no way"
    yield from _of_names_in(vpc)
    yield from _of_groups(endpoint, world)
    yield from _of_zones(endpoint, vpc, world)


def _of_names_in(vpc: Resource | None) -> Iterator[str]:
    """Yield a violation for a VPC in which no private name resolves."""
    for properties in branches(vpc.properties) if vpc else ():
        if not require_bool(properties.get("EnableDnsSupport"), "EnableDnsSupport", default=True):
            yield f"EnableDnsSupport of {vpc and vpc.path} is false, so no name resolves there"
        if not require_bool(properties.get("EnableDnsHostnames"), "EnableDnsHostnames"):
            yield f"EnableDnsHostnames of {vpc and vpc.path} is not true, so the endpoint's private names do not resolve"


def _of_groups(endpoint: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for an endpoint without an ingress rule."""
    groups = require_list(endpoint.properties.get("SecurityGroupIds"), "SecurityGroupIds")
    if not groups:
        yield "SecurityGroupIds is empty; the VPC's default security group would be used, which admits no function"
        return
    found = [named(value, endpoint.template, world) for value in groups]
    if all(group is not None and group.type == _GROUP and not _lets_in(group, world) for group in found):
        yield f"{', '.join(group.path for group in found if group)} lets nothing in on port {_PORT}: no function reaches it"


def _lets_in(group: Resource, world: TemplateSet) -> bool:
    inline = require_list(group.properties.get("SecurityGroupIngress"), "SecurityGroupIngress")
    rules = [require_mapping(rule, "an ingress rule") for rule in inline]
    for rule in of_type(world, _INGRESS, region=group.template.region):
        target = named(rule.properties.get("GroupId"), rule.template, world)
        if target is not None and key_of(target) == key_of(group):
            rules.append(rule.properties)
    return any(covers_port(rule, _PORT) for rule in rules)


def _of_gateway(endpoint: Resource, vpc: Resource | None, world: TemplateSet) -> Iterator[str]:
    values = require_list(endpoint.properties.get("RouteTableIds"), "RouteTableIds")
    if not values:
        yield "RouteTableIds is empty, so no subnet has a way to the endpoint"
        return
    found = {table.logical_id for table in _referred(values, endpoint, _TABLE, world)}
    for table in in_vpc(vpc, _TABLE, world) if vpc else ():
        if table.logical_id not in found:
            yield f"RouteTableIds leaves out {table.path}, whose subnets have no way to the endpoint"


def _of_zones(endpoint: Resource, vpc: Resource | None, world: TemplateSet) -> Iterator[str]:
    values = require_list(endpoint.properties.get("SubnetIds"), "SubnetIds")
    if not values:
        yield "SubnetIds is empty, so the endpoint is in no zone"
        return
    if vpc is None:
        return
    zones = {zone_of(subnet) for subnet in _referred(values, endpoint, SUBNET, world)}
    for subnet in in_vpc(vpc, SUBNET, world):
        zone = zone_of(subnet)
        if zone not in zones:
            zones.add(zone)
            yield f"it is in no subnet of the zone of {subnet.path}: what runs there loses it with another zone"


def _referred(values: object, endpoint: Resource, kind: str, world: TemplateSet) -> Iterator[Resource]:
    for value in require_list(values, "ids"):
        target = named(value, endpoint.template, world)
        if target is None or target.type != kind:
            raise UnresolvedError(f"{describe(value)} is no {kind} of these templates, so where it leads is unknown")
        yield target


def _has_gateway(endpoint: Resource, world: TemplateSet) -> bool:
    """Return whether a gateway endpoint of the same service is there: by it the service's public name is reached."""
    mine = _service(endpoint)
    others = of_type(world, _TYPE, region=endpoint.template.region)
    return any(_kind(other) == _GATEWAY and _service(other) == mine for other in others)


def _service(endpoint: Resource) -> str | None:
    value = endpoint.properties.get("ServiceName")
    return None if is_absent(value) else render(value, endpoint.template)


RULE = Rule(
    title="An endpoint is in every zone or route table of its VPC, has an ingress rule, and has the service's own name",
    why=(
        "In a closed network, functions reach AWS only through endpoints. An endpoint without private DNS is not found, and "
        "one in a single zone fails with that zone. A gateway endpoint without route tables has no effect."
    ),
    fix=(
        "Set PrivateDnsEnabled and the VPC's EnableDnsSupport and EnableDnsHostnames, list a subnet of each zone and a "
        "security group with an ingress rule, and for a gateway every route table in RouteTableIds."
    ),
    judge=rule_from(_violations, _TYPE, applies=lambda endpoint, _: _kind(endpoint) in {_GATEWAY, _INTERFACE}),
    controls=nist("CP-10", "SC-5", "SC-7", "SI-13") + hipaa("164.308(a)(7)(i)"),
)
