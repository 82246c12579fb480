"""Readers of the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from compliance.live.deployed import Deployed
from compliance.live.readers import Properties, only, own_tags, reads, renamed


@reads("AWS::EC2::VPC")
def vpc(resource: Deployed) -> Properties:
    ec2, vpc_id = resource.client("ec2"), resource.physical_id
    held = only(ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"])
    return {
        **renamed(held, CidrBlock="CidrBlock", InstanceTenancy="InstanceTenancy"),
        "EnableDnsHostnames": _attribute(ec2, vpc_id, "enableDnsHostnames"),
        "EnableDnsSupport": _attribute(ec2, vpc_id, "enableDnsSupport"),
        "Tags": own_tags(held.get("Tags", [])),
    }


def _attribute(ec2: Any, vpc_id: str, name: str) -> bool:  # noqa: ANN401 - a boto3 client
    answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
    return bool(answer[name[:1].upper() + name[1:]]["Value"])


@reads("Custom::VpcRestrictDefaultSG")
def default_group(resource: Deployed) -> Properties:
    """Return the rules of the VPC's default security group, which the custom resource has removed."""
    declared = resource.properties
    rules = rules_of(resource, declared["DefaultSecurityGroupId"])
    return {**declared, "SecurityGroupIngress": rules["ingress"], "SecurityGroupEgress": rules["egress"]}


@reads("AWS::EC2::Subnet")
def subnet(resource: Deployed) -> Properties:
    held = only(resource.client("ec2").describe_subnets(SubnetIds=[resource.physical_id])["Subnets"])
    return {**held, "Tags": own_tags(held.get("Tags", []))}


@reads("AWS::EC2::RouteTable")
def route_table(resource: Deployed) -> Properties:
    held = only(resource.client("ec2").describe_route_tables(RouteTableIds=[resource.physical_id])["RouteTables"])
    return {**renamed(held, VpcId="VpcId"), "Tags": own_tags(held.get("Tags", []))}


@reads("AWS::EC2::SubnetRouteTableAssociation")
def association(resource: Deployed) -> Properties:
    table = resource.properties["RouteTableId"]
    held = only(resource.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"])
    subnets = [one.get("SubnetId") for one in held["Associations"]]
    declared = resource.properties["SubnetId"]
    return {"RouteTableId": table, "SubnetId": declared if declared in subnets else subnets}


@reads("AWS::EC2::VPCEndpoint")
def endpoint(resource: Deployed) -> Properties:
    held = only(resource.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[resource.physical_id])["VpcEndpoints"])
    return {
        **held,
        "PolicyDocument": json.loads(held["PolicyDocument"]),
        "SecurityGroupIds": [one["GroupId"] for one in held.get("Groups", [])],
        "Tags": own_tags(held.get("Tags", [])),
    }


@reads("AWS::EC2::SecurityGroup")
def security_group(resource: Deployed) -> Properties:
    held = only(resource.client("ec2").describe_security_groups(GroupIds=[resource.physical_id])["SecurityGroups"])
    rules = rules_of(resource, resource.physical_id)
    return {
        **renamed(held, GroupDescription="Description", GroupName="GroupName", VpcId="VpcId"),
        "SecurityGroupEgress": rules["egress"],
        "SecurityGroupIngress": rules["ingress"],
        "Tags": own_tags(held.get("Tags", [])),
    }


@reads("AWS::EC2::SecurityGroupEgress")
def egress(resource: Deployed) -> Properties:
    return _rule(resource, "egress")


@reads("AWS::EC2::SecurityGroupIngress")
def ingress(resource: Deployed) -> Properties:
    return _rule(resource, "ingress")


def _rule(resource: Deployed, direction: str) -> Properties:
    declared = resource.properties
    held = [{**one, "GroupId": declared["GroupId"]} for one in rules_of(resource, declared["GroupId"])[direction]]
    return next((one for one in held if all(one.get(name) == value for name, value in declared.items())), only(held))


def rules_of(resource: Deployed, group: str) -> dict[str, list[Properties]]:
    """Return a security group's rules, each with the one peer that the template gives it."""
    held = only(resource.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"])
    return {
        "egress": [one for rule in held["IpPermissionsEgress"] for one in _peers(rule, "Destination")],
        "ingress": [one for rule in held["IpPermissions"] for one in _peers(rule, "Source")],
    }


def _peers(rule: dict[str, Any], side: str) -> Iterator[Properties]:
    ports = renamed(rule, IpProtocol="IpProtocol", FromPort="FromPort", ToPort="ToPort")
    for list_, name, answered in (
        ("IpRanges", "CidrIp", "CidrIp"),
        ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
        ("PrefixListIds", f"{side}PrefixListId", "PrefixListId"),
        ("UserIdGroupPairs", f"{side}SecurityGroupId", "GroupId"),
    ):
        for peer in rule.get(list_, []):
            yield {**ports, name: peer[answered], **renamed(peer, Description="Description")}


@reads("AWS::EC2::FlowLog")
def flow_log(resource: Deployed) -> Properties:
    held = only(resource.client("ec2").describe_flow_logs(FlowLogIds=[resource.physical_id])["FlowLogs"])
    return {**held, "ResourceType": "VPC", "Tags": own_tags(held.get("Tags", []))}
