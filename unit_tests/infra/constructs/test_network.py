"""Test the VPC: its subnets, endpoints, security groups and flow logs, before which no function runs."""

import ipaddress
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import Stack

from infra.constructs.network import Network
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.synthesis import REGIONAL, Resource, Template, leaves

HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def network_stack(role: RegionRole = RegionRole.SECONDARY, /, **vpc: object) -> tuple[Stack, Network]:
    of = context(role, vpc=vpc)
    stack = stack_in(of)
    return stack, Network(stack, "Network", context=of, logs_key=key_in(stack))


def group(stack: Stack, name: str) -> tuple[str, dict[str, Any]]:
    (found,) = ((id_, each) for id_, each in of_type(stack, "AWS::EC2::SecurityGroup").items() if each["GroupName"] == name)
    return found


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "172.16.4.0/22", "192.168.7.0/24"])
@pytest.mark.parametrize("zones", [1, 2])
def test_zones_have_a_subnet_in_any_allowed_range(cidr: str, zones: int) -> None:
    # A stack of CDK's own knows two zones; the app's, which knows three, is tried in test_any_settings.
    stack, _ = network_stack(cidr=cidr, availability_zones=zones)
    subnets = [ipaddress.IPv4Network(each["CidrBlock"]) for each in of_type(stack, "AWS::EC2::Subnet").values()]
    assert len(subnets) == zones
    assert {each.prefixlen for each in subnets} == {ipaddress.IPv4Network(cidr).prefixlen + 2}
    assert all(each.subnet_of(ipaddress.IPv4Network(cidr)) for each in subnets)


def test_additional_zone_moves_no_subnet() -> None:
    one, two = (
        [each["CidrBlock"] for each in of_type(network_stack(availability_zones=zones)[0], "AWS::EC2::Subnet").values()]
        for zones in (1, 2)
    )
    assert two[:1] == one


@pytest.mark.parametrize(
    ("role", "prefix_lists"),
    [(RegionRole.PRIMARY, ["pl-63a5400a", "pl-02cd2c6b"]), (RegionRole.SECONDARY, ["pl-68a54001", "pl-00a54069"])],
)
def test_functions_may_reach_the_endpoints_and_nothing_else(role: RegionRole, prefix_lists: list[str]) -> None:
    stack, _ = network_stack(role)
    functions, properties = group(stack, "serverless-functions-prod")
    endpoints, _ = group(stack, "serverless-endpoints-prod")
    assert "SecurityGroupIngress" not in properties
    assert [{**rule, "Description": ""} for rule in properties["SecurityGroupEgress"]] == [
        {**HTTPS, "DestinationPrefixListId": each, "Description": ""} for each in prefix_lists
    ]
    egress = only(stack, "AWS::EC2::SecurityGroupEgress")
    assert egress.items() >= HTTPS.items()
    assert egress["GroupId"] == {"Fn::GetAtt": [functions, "GroupId"]}
    assert egress["DestinationSecurityGroupId"] == {"Fn::GetAtt": [endpoints, "GroupId"]}


def test_endpoints_are_reached_by_the_functions_alone_and_reach_nobody() -> None:
    stack, _ = network_stack()
    functions, _ = group(stack, "serverless-functions-prod")
    endpoints, properties = group(stack, "serverless-endpoints-prod")
    ingress = only(stack, "AWS::EC2::SecurityGroupIngress")
    assert ingress.items() >= HTTPS.items()
    assert ingress["GroupId"] == {"Fn::GetAtt": [endpoints, "GroupId"]}
    assert ingress["SourceSecurityGroupId"] == {"Fn::GetAtt": [functions, "GroupId"]}
    assert "SecurityGroupIngress" not in properties
    # CDK's way to say that nothing may go out: a rule that no packet matches.
    assert [rule["CidrIp"] for rule in properties["SecurityGroupEgress"]] == ["255.255.255.255/32"]


WAY_OUT = {
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCEndpoint",
}
"""Types that a call from the VPC needs, each of them; without one it times out."""
RUNS_A_FUNCTION = {"AWS::Events::Rule", "AWS::Lambda::EventSourceMapping", "AWS::SecretsManager::RotationSchedule"}
"""Types that invoke a function as soon as they exist; custom resources do too."""


def resources(template: Template) -> dict[str, Resource]:
    found: dict[str, Resource] = template["Resources"]
    return found


def waits_for(template: Template, logical_id: str) -> set[str]:
    """Return the logical ids of all resources that CloudFormation creates before a resource."""
    before, pending = set[str](), [logical_id]
    while pending:
        resource = resources(template)[pending.pop()]
        named = {str(value) for _, value in leaves(resource.get("Properties", {}))} | set(resource.get("DependsOn", []))
        further = named & resources(template).keys() - before
        before |= further
        pending += further
    return before


def way_out(template: Template) -> set[str]:
    return {name for name, each in resources(template).items() if each["Type"] in WAY_OUT}


def in_network(template: Template) -> set[str]:
    return {name for name, each in resources(template).items() if "VpcConfig" in each.get("Properties", {})}


@pytest.mark.parametrize("stack", REGIONAL)
def test_function_in_the_vpc_depends_on_its_endpoints(stack: str, templates: Mapping[str, Template]) -> None:
    template = templates[stack]
    functions = in_network(template)
    assert len(functions) >= 3
    assert {resources(template)[name]["Type"] for name in way_out(template)} == WAY_OUT
    for function in functions:
        assert way_out(template) <= waits_for(template, function), function


def test_invokers_depend_on_the_endpoints(templates: Mapping[str, Template]) -> None:
    looked_at = set()
    for stack, template in templates.items():
        functions = {name for name, each in resources(template).items() if each["Type"] == "AWS::Lambda::Function"}
        for name, each in resources(template).items():
            if each["Type"] in RUNS_A_FUNCTION or each["Type"].startswith("Custom::"):
                looked_at.add(each["Type"])
                before = waits_for(template, name) & functions
                assert before, f"{stack}.{name}"
    assert looked_at >= RUNS_A_FUNCTION


def test_functions_of_custom_resources_are_outside_the_vpc(templates: Mapping[str, Template]) -> None:
    """Its response goes to a bucket of CloudFormation, which the endpoint's policy does not allow."""
    for template in templates.values():
        for each in resources(template).values():
            if each["Type"].startswith("Custom::"):
                assert each["Properties"]["ServiceToken"]["Fn::GetAtt"][0] not in in_network(template)
