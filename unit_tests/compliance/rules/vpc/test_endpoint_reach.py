"""ActivePassive-VPCEndpointReach."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.networks import endpoint, group, network, refs
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-VPCEndpointReach"
BOTH = refs("Subnet0", "Subnet1")
INTERFACE = endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=BOTH, SecurityGroupIds=refs("Group"))
GROUPS = {"Group": group(CidrIp="10.0.0.0/16")}
GATEWAY = endpoint("Gateway", RouteTableIds=refs("Table0", "Table1"))


def _says(it: dict[str, Any], *zones: Any, **more: dict[str, Any]) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", alone({"It": it, **network(*zones), **GROUPS, **more}))


@pytest.mark.parametrize("it", [INTERFACE, GATEWAY])
def test_endpoint_of_every_zone_or_table_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


def test_one_subnet_of_each_zone_is_enough() -> None:
    assert _says(INTERFACE, 0, 1, 1) is PASS
    assert (
        _says(endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=refs("Subnet0"), SecurityGroupIds=refs("Group")), 0)
        is PASS
    )


def test_beside_a_gateway_of_the_same_service_private_names_are_not_needed() -> None:
    it = endpoint("Interface", SubnetIds=BOTH, SecurityGroupIds=refs("Group"))
    it["Properties"]["ServiceName"] = GATEWAY["Properties"]["ServiceName"]
    assert _says(it) is FAIL
    assert _says(it, Gateway=GATEWAY) is PASS


@pytest.mark.parametrize(
    "it",
    [
        endpoint("Interface", SubnetIds=BOTH),
        endpoint("Interface", PrivateDnsEnabled=False, SubnetIds=BOTH),
        endpoint("Interface", PrivateDnsEnabled=either(True, False), SubnetIds=BOTH),
        endpoint("Interface", PrivateDnsEnabled=True),
        endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=[]),
        endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=refs("Subnet1")),
        endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=either(BOTH, refs("Subnet0"))),
        endpoint("Gateway"),
        endpoint("Gateway", RouteTableIds=[]),
        endpoint("Gateway", RouteTableIds=refs("Table0")),
    ],
)
def test_endpoint_that_some_cannot_reach_fails(it: dict[str, Any]) -> None:
    assert _says(it) is FAIL


def test_missing_route_table_is_reported() -> None:
    it = endpoint("Gateway", RouteTableIds=refs("Table0"))
    assert "leaves out us-east-1/Table1" in message_in(RULE, "It", alone({"It": it, **network()}))


def test_endpoint_of_another_vpc_needs_a_route_table() -> None:
    elsewhere = {"VpcId": "vpc-1", "VpcEndpointType": "Gateway"}
    assert (
        says(RULE, {"Type": "AWS::EC2::VPCEndpoint", "Properties": {**elsewhere, "RouteTableIds": ["rtb-1"]}})
        is NOT_EVALUATED
    )
    assert says(RULE, {"Type": "AWS::EC2::VPCEndpoint", "Properties": elsewhere}) is FAIL


@pytest.mark.parametrize(
    "it",
    [
        endpoint("Interface", PrivateDnsEnabled=UNKNOWN, SubnetIds=BOTH, SecurityGroupIds=refs("Group")),
        endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=UNKNOWN, SecurityGroupIds=refs("Group")),
        endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=[UNKNOWN], SecurityGroupIds=refs("Group")),
        endpoint("Gateway", RouteTableIds=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(it: dict[str, Any]) -> None:
    assert _says(it) is NOT_EVALUATED


def test_endpoint_of_a_load_balancer_is_not_judged() -> None:
    assert _says(endpoint("GatewayLoadBalancer", SubnetIds=BOTH)) is None


def test_endpoint_without_an_ingress_rule_fails() -> None:
    closed = {**GROUPS, "Group": group()}
    assert _says(INTERFACE, **closed) is FAIL
    assert _says(without(INTERFACE, "SecurityGroupIds")) is FAIL
    ingress = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Fn::GetAtt": ["Group", "GroupId"]}}}
    assert _says(INTERFACE, **closed, Ingress=ingress) is PASS


@pytest.mark.parametrize("setting", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_vpc_in_which_no_private_name_resolves_fails(setting: str) -> None:
    vpc = changed(network()["Vpc"], setting, to=False)
    assert _says(INTERFACE, Vpc=vpc) is FAIL
    assert _says(GATEWAY, Vpc=vpc) is PASS
