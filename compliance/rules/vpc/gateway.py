"""A VPC has no gateway, route or peering to another network."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.networks import is_private
from compliance.cfn.reading import branches, require_bool, require_text
from compliance.cfn.references import named, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_GATEWAYS: Final = {
    "AWS::EC2::EgressOnlyInternetGateway": "an egress-only internet gateway",
    "AWS::EC2::InternetGateway": "an internet gateway",
    "AWS::EC2::NatGateway": "a NAT gateway",
    "AWS::EC2::TransitGatewayAttachment": "a transit gateway's attachment",
    "AWS::EC2::TransitGatewayVpcAttachment": "a transit gateway's attachment",
    "AWS::EC2::VPCPeeringConnection": "a peering connection",
    "AWS::EC2::VPNGateway": "a VPN gateway",
    "AWS::NetworkManager::VpcAttachment": "a core network's attachment",
}
_ROUTE: Final = "AWS::EC2::Route"
_SUBNET: Final = "AWS::EC2::Subnet"
_TABLE: Final = "AWS::EC2::RouteTable"
_ASSOCIATION: Final = "AWS::EC2::SubnetRouteTableAssociation"
_ATTACHMENT: Final = "AWS::EC2::VPCGatewayAttachment"
_WAYS_OUT: Final = (
    "CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "GatewayId", "InstanceId", "LocalGatewayId",
    "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId", "VpcPeeringConnectionId",
)  # fmt: skip
"""The targets of a route, but for a VPC's own endpoints."""
_BLOCKS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type in _GATEWAYS:
        yield f"{_GATEWAYS[resource.type]} leads out of the VPC; reach AWS through endpoints"
    elif resource.type == _ROUTE:
        yield from _route(resource)
    elif resource.type == _TABLE:
        yield from _of_table(resource, world)
    elif resource.type == _ASSOCIATION:
        _require_table(resource, world)
    elif resource.type == _SUBNET and require_bool(resource.properties.get("MapPublicIpOnLaunch"), "MapPublicIpOnLaunch"):
        yield "MapPublicIpOnLaunch is true; what starts in the subnet gets a public address"
    elif resource.type == _ATTACHMENT and not is_absent(resource.properties.get("InternetGatewayId")):
        yield "it attaches an internet gateway to the VPC"
    elif resource.type == _ATTACHMENT and not is_absent(resource.properties.get("VpnGatewayId")):
        yield "it attaches a VPN gateway to the VPC"


def _of_table(table: Resource, world: TemplateSet) -> Iterator[str]:
    for route in of_type(world, _ROUTE):
        for properties in branches(route.properties):
            target = named(properties.get("RouteTableId"), route.template, world)
            if target is not None and is_same(target, table) and list(_route(replace(route, properties=properties))):
                yield f"{route.path} leads out of the VPC"


def _require_table(association: Resource, world: TemplateSet) -> None:
    value = association.properties.get("RouteTableId")
    table = named(value, association.template, world)
    if table is None or table.type != _TABLE:
        raise UnresolvedError(f"route table {describe(value)} is in none of the templates, so its routes are unknown")


def _route(route: Resource) -> Iterator[str]:
    for way in _WAYS_OUT:
        target = route.properties.get(way)
        if not is_absent(target) and not _stays_inside(target):
            yield f"the route leads out of the VPC by {way}"
    for block in _BLOCKS:
        cidr = require_text(route.properties.get(block), block)
        if cidr is not None and not is_private(cidr, block):
            yield f"{block} is {cidr}, which is routed on the internet"


def _stays_inside(target: Json) -> bool:
    """Return whether a route's target is an endpoint of the VPC, or the VPC itself."""
    return isinstance(target, str) and (target == "local" or target.startswith("vpce-"))


RULE = Rule(
    title="No gateway, no route and no peering out of the VPC, and no public address",
    why=(
        "The functions need only AWS's services, and reach them through endpoints that a policy restricts. Any other exit "
        "lets data leave unnoticed, and is one more part that can fail."
    ),
    fix="Use isolated subnets with gateway and interface endpoints; remove the gateway, the route or the public address.",
    judge=rule_from(_violations, *_GATEWAYS, _ROUTE, _TABLE, _ASSOCIATION, _SUBNET, _ATTACHMENT),
    controls=nist("AC-4", "SC-7", "SC-7(3)")
    + hipaa("164.308(a)(3)(i)", "164.312(a)(1)", "164.312(e)(1)")
    + pci("1.2.1", "1.3.1", "1.3.4"),
)
