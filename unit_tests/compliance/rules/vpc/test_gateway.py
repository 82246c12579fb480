"""ActivePassive-VPCGateway."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says, verdict_in

RULE = "ActivePassive-VPCGateway"


def _it(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


@pytest.mark.parametrize(
    "resource",
    [
        _it("Subnet"),
        _it("Subnet", MapPublicIpOnLaunch=False),
        _it("Subnet", MapPublicIpOnLaunch="false"),
        _it("Route", DestinationCidrBlock="10.1.0.0/16", GatewayId="local"),
        _it("Route", DestinationPrefixListId="pl-1", GatewayId="vpce-1"),
    ],
)
def test_route_inside_the_vpc_passes(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize(
    "resource",
    [
        _it("NatGateway", SubnetId="subnet-1"),
        _it("InternetGateway"),
        _it("EgressOnlyInternetGateway", VpcId="vpc-1"),
        _it("VPCGatewayAttachment", VpcId="vpc-1", InternetGatewayId={"Ref": "Gateway"}),
        _it("VPCGatewayAttachment", VpcId="vpc-1", VpnGatewayId="vgw-1"),
        _it("VPCPeeringConnection", VpcId="vpc-1", PeerVpcId="vpc-2"),
        _it("TransitGatewayAttachment", VpcId="vpc-1"),
        _it("VPNGateway", Type="ipsec.1"),
        _it("Route", DestinationCidrBlock="10.1.0.0/16", TransitGatewayId="tgw-1"),
        _it("Route", DestinationIpv6CidrBlock="fd00::/8", VpcPeeringConnectionId="pcx-1"),
        _it("Route", DestinationCidrBlock="10.1.0.0/16", GatewayId={"Ref": "Vpn"}),
        _it("Route", DestinationCidrBlock="10.1.0.0/16", NetworkInterfaceId="eni-1"),
        _it("Subnet", MapPublicIpOnLaunch=True),
        _it("Subnet", MapPublicIpOnLaunch="true"),
        _it("Subnet", MapPublicIpOnLaunch=either(True, False)),
        _it("Route", DestinationCidrBlock="0.0.0.0/0", GatewayId={"Ref": "Gateway"}),
        _it("Route", DestinationCidrBlock="128.0.0.0/1", TransitGatewayId="tgw-1"),
        _it("Route", DestinationCidrBlock="8.8.8.8/32", TransitGatewayId="tgw-1"),
        _it("Route", DestinationIpv6CidrBlock="::/0", GatewayId="igw-1"),
        _it("Route", DestinationCidrBlock="10.0.0.0/8", NatGatewayId={"Ref": "Nat"}),
        _it("Route", DestinationIpv6CidrBlock="fd00::/8", EgressOnlyInternetGatewayId="eigw-1"),
        _it("Route", DestinationCidrBlock=either("10.0.0.0/8", "0.0.0.0/0")),
    ],
)
def test_way_out_of_the_vpc_fails(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        _it("Subnet", MapPublicIpOnLaunch=UNKNOWN),
        _it("Route", DestinationCidrBlock=UNKNOWN),
        _it("Route", DestinationCidrBlock="everywhere"),
    ],
)
def test_unresolved_value_is_not_evaluated(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is NOT_EVALUATED


def _network(**route: Any) -> Template:  # noqa: ANN401
    return template(
        {
            "Table": _it("RouteTable", VpcId="vpc-1"),
            "Route": _it("Route", RouteTableId={"Ref": "Table"}, **route),
            "Joined": _it("SubnetRouteTableAssociation", RouteTableId={"Ref": "Table"}),
            "Elsewhere": _it("SubnetRouteTableAssociation", RouteTableId="rtb-0123456789abcdef0"),
        }
    )


def test_route_table_with_a_route_out_of_the_vpc_fails() -> None:
    assert verdict_in(RULE, "Table", _network(DestinationPrefixListId="pl-1", GatewayId="vpce-1")) is PASS
    assert verdict_in(RULE, "Table", _network(DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-1")) is FAIL


def test_association_with_a_route_table_elsewhere_is_not_evaluated() -> None:
    assert verdict_in(RULE, "Joined", _network()) is PASS
    assert verdict_in(RULE, "Elsewhere", _network()) is NOT_EVALUATED
