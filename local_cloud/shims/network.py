"""EC2's network: attributes of a VPC that templates refer to, flow logs, and separate security-group rules.

Faithful: `VPC.CidrBlock`, `CidrBlockAssociations` and `Ipv6CidrBlocks`; `AWS::EC2::FlowLog` with its log group, role,
format and interval; `AWS::EC2::SecurityGroupIngress` and `Egress`, which change the group they name; a security group
whose only egress rule is CDK's "disallow all" placeholder.
Different from AWS: no packet flows, so routes, endpoint policies, security groups and flow logs are only recorded; a
VPC endpoint's policy can be read back but is not evaluated.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
from typing import Any, Final
from xml.sax.saxutils import escape

from ministack.services import ec2

from local_cloud.shims import _api, _templates

_FULL_ACCESS: Final = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
_PAIR: Final = {"SecurityGroupIngress": "Source", "SecurityGroupEgress": "Destination"}


def install() -> None:
    """Add the missing attributes of VPCs, and the types that ministack refuses."""
    _templates.extend("AWS::EC2::VPC", _vpc_attributes)
    _templates.define("AWS::EC2::FlowLog", create=_create_flow_log, update=_refuse_flow_log_change, delete=_delete_flow_log)
    for kind in _PAIR:
        _define_rule(kind)
    _answer_flow_logs_whole()
    _answer_endpoints_whole()
    _understand_prefix_lists()


def _vpc_attributes(vpc: _templates.Resource) -> _templates.Attributes:
    return {
        "CidrBlock": vpc.properties.get("CidrBlock", "10.0.0.0/16"),
        "CidrBlockAssociations": [f"vpc-cidr-assoc-{vpc.physical_id.removeprefix('vpc-')}"],
        "Ipv6CidrBlocks": [],
    }


def _create_flow_log(flow_log: _templates.Resource) -> tuple[str, _templates.Attributes]:
    properties = flow_log.properties
    optional = {
        api: properties[name]
        for name, api in (
            ("LogGroupName", "LogGroupName"),
            ("LogDestination", "LogDestination"),
            ("LogDestinationType", "LogDestinationType"),
            ("LogFormat", "LogFormat"),
            ("DeliverLogsPermissionArn", "DeliverLogsPermissionArn"),
            ("TrafficType", "TrafficType"),
        )
        if name in properties
    }
    if "MaxAggregationInterval" in properties:
        optional["MaxAggregationInterval"] = int(properties["MaxAggregationInterval"])
    if properties.get("Tags"):
        optional["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": properties["Tags"]}]
    answer = _api.client("ec2").create_flow_logs(
        ResourceIds=[properties["ResourceId"]], ResourceType=properties["ResourceType"], **optional
    )
    identity = answer["FlowLogIds"][0]
    return identity, {"Id": identity}


def _refuse_flow_log_change(flow_log: _templates.Resource) -> _templates.Attributes:
    changed = {
        name
        for name in flow_log.properties.keys() | flow_log.previous.keys()
        if flow_log.properties.get(name) != flow_log.previous.get(name)
    }
    if changed - {"Tags"}:
        raise ValueError(f"A flow log cannot be changed, only its tags; these differ: {sorted(changed - {'Tags'})}.")
    if flow_log.properties.get("Tags"):
        _api.client("ec2").create_tags(Resources=[flow_log.physical_id], Tags=flow_log.properties["Tags"])
    return {"Id": flow_log.physical_id}


def _delete_flow_log(identity: str, _properties: _templates.Properties) -> None:
    _api.client("ec2").delete_flow_logs(FlowLogIds=[identity])


def _answer_flow_logs_whole() -> None:
    """Add the group, role, format and interval to DescribeFlowLogs, which the stock response omits."""
    stock_create, stock_describe = ec2._create_flow_logs, ec2._describe_flow_logs
    kept = ("LogGroupName", "DeliverLogsPermissionArn", "LogFormat", "MaxAggregationInterval")

    def create(parameters: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        before = set(ec2._flow_logs)
        answer = stock_create(parameters)
        given = {name: ec2._p(parameters, name) for name in kept if ec2._p(parameters, name)}
        for identity in set(ec2._flow_logs) - before:
            ec2._flow_logs[identity].update(given)
            ec2._parse_tag_specs(parameters, "vpc-flow-log", identity)
        return answer

    def describe(parameters: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        status, headers, body = stock_describe(parameters)
        text = body.decode() if isinstance(body, bytes) else body
        for record in ec2._flow_logs.values():
            names = {
                "logGroupName": record.get("LogGroupName"),
                "deliverLogsPermissionArn": record.get("DeliverLogsPermissionArn"),
                "logFormat": record.get("LogFormat"),
                "maxAggregationInterval": record.get("MaxAggregationInterval", 600),
                "deliverLogsStatus": "SUCCESS",
            }
            anchor = f"<flowLogId>{record['FlowLogId']}</flowLogId>"
            further = "".join(f"<{tag}>{escape(str(value))}</{tag}>" for tag, value in names.items() if value)
            text = text.replace(anchor, anchor + further)
        return status, headers, text.encode()

    ec2._ACTION_MAP.update(CreateFlowLogs=create, DescribeFlowLogs=describe)


def _understand_prefix_lists() -> None:
    """Read prefix lists in AuthorizeSecurityGroup... and Revoke..., which the stock parser skips."""
    stock = ec2._parse_ip_permissions

    def parse(parameters: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = stock(parameters, prefix)
        for number, rule in enumerate(rules, 1):
            place = 1
            while identity := ec2._p(parameters, f"{prefix}.{number}.PrefixListIds.{place}.PrefixListId"):
                entry = {"PrefixListId": identity}
                if description := ec2._p(parameters, f"{prefix}.{number}.PrefixListIds.{place}.Description"):
                    entry["Description"] = description
                rule["PrefixListIds"].append(entry)
                place += 1
        return rules

    ec2._parse_ip_permissions = parse


def _answer_endpoints_whole() -> None:
    """Add the policy, security groups, subnets' interfaces and private DNS to DescribeVpcEndpoints."""
    stock = ec2._vpce_fields_xml

    def fields(endpoint: dict[str, Any], tag: str = "item") -> str:
        text: str = stock(endpoint, tag)
        policy = endpoint.get("PolicyDocument")
        document = policy if isinstance(policy, str) else json.dumps(policy or _FULL_ACCESS)
        groups = "".join(f"<item><groupId>{identity}</groupId></item>" for identity in endpoint.get("SecurityGroupIds", []))
        private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
        further = (
            f"<policyDocument>{escape(document)}</policyDocument><groupSet>{groups}</groupSet>"
            f"<privateDnsEnabled>{private}</privateDnsEnabled>"
        )
        head, closing, tail = text.rpartition(f"</{tag}>")
        return f"{head}{further}{closing}{tail}"

    ec2._vpce_fields_xml = fields


def _define_rule(kind: str) -> None:
    def create(rule: _templates.Resource) -> tuple[str, _templates.Attributes]:
        identity = _authorize(kind, rule.properties)
        return identity, {"Id": identity}

    def update(rule: _templates.Resource) -> _templates.Attributes:
        _revoke(kind, rule.previous)
        return {"Id": _authorize(kind, rule.properties)}

    def delete(_identity: str, properties: _templates.Properties) -> None:
        _revoke(kind, properties)

    _templates.define(f"AWS::EC2::{kind}", create=create, update=update, delete=delete)


def _authorize(kind: str, properties: _templates.Properties) -> str:
    ec2_client = _api.client("ec2")
    verb = getattr(ec2_client, f"authorize_{_snake(kind)}")
    answer = verb(GroupId=properties["GroupId"], IpPermissions=[_permission(kind, properties)])
    identity: str = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return identity


def _revoke(kind: str, properties: _templates.Properties) -> None:
    ec2_client = _api.client("ec2")
    try:
        verb = getattr(ec2_client, f"revoke_{_snake(kind)}")
        verb(GroupId=properties["GroupId"], IpPermissions=[_permission(kind, properties)])
    except ec2_client.exceptions.ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise


def _permission(kind: str, properties: _templates.Properties) -> dict[str, Any]:
    side = _PAIR[kind]
    described = {"Description": properties["Description"]} if "Description" in properties else {}
    permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    permission |= {port: int(properties[port]) for port in ("FromPort", "ToPort") if port in properties}
    for name, target, member in (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        (f"{side}PrefixListId", "PrefixListIds", "PrefixListId"),
        (f"{side}SecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ):
        if name in properties:
            permission[target] = [{member: properties[name], **described}]
    return permission


def _snake(kind: str) -> str:
    return "security_group_" + kind.removeprefix("SecurityGroup").lower()
