"""Every rule of the pack answers about any resource at all: it passes, fails, or says what it cannot read."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from compliance.cfn.templates import TemplateSet
from compliance.engine.judge import judge
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either

PACK = [rule for rule in our_rules() if rule.id.startswith("ActivePassive-")]
CRASHED = "the rule could not read this resource"

TYPES = {
    "AWS::ApiGateway::Method": ("HttpMethod", "AuthorizationType"),
    "AWS::ApiGateway::Stage": ("MethodSettings", "AccessLogSetting"),
    "AWS::ApiGatewayV2::Api": ("Target", "Body", "ProtocolType"),
    "AWS::ApiGatewayV2::Route": ("ApiId", "RouteKey", "AuthorizationType", "AuthorizerId"),
    "AWS::ApiGatewayV2::Stage": ("DefaultRouteSettings", "RouteSettings", "AccessLogSettings"),
    "AWS::CloudTrail::Trail": ("EventSelectors", "AdvancedEventSelectors", "S3BucketName", "KMSKeyId", "IsLogging"),
    "AWS::CloudWatch::Alarm": ("AlarmName", "AlarmActions", "OKActions", "TreatMissingData", "Period"),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmRule", "AlarmActions", "ActionsSuppressor"),
    "AWS::CloudWatch::Dashboard": ("DashboardBody",),
    "AWS::EC2::FlowLog": ("ResourceId", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName"),
    "AWS::EC2::Route": ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "NatGatewayId"),
    "AWS::EC2::SecurityGroup": ("SecurityGroupEgress",),
    "AWS::EC2::SecurityGroupEgress": ("GroupId", "CidrIp"),
    "AWS::EC2::Subnet": ("MapPublicIpOnLaunch",),
    "AWS::EC2::VPCEndpoint": ("VpcEndpointType", "PolicyDocument"),
    "AWS::EC2::VPC": ("CidrBlock",),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns"),
    "AWS::KMS::Alias": ("AliasName", "TargetKeyId"),
    "AWS::KMS::Key": ("KeyPolicy", "EnableKeyRotation", "KeySpec"),
    "AWS::Lambda::Function": ("VpcConfig", "Environment", "FunctionName"),
    "AWS::Lambda::Permission": ("Principal", "Action", "SourceArn"),
    "AWS::Lambda::Url": ("AuthType",),
    "AWS::Route53::HealthCheck": ("HealthCheckConfig",),
    "AWS::Route53::RecordSet": ("Name", "Type", "Failover", "TTL", "SetIdentifier", "HealthCheckId", "AliasTarget"),
    "AWS::Route53::RecordSetGroup": ("RecordSets", "HostedZoneId"),
    "AWS::S3::Bucket": ("BucketName", "ObjectLockConfiguration", "ReplicationConfiguration"),
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SNS::Topic": ("KmsMasterKeyId", "TopicName"),
    "AWS::SNS::TopicPolicy": ("Topics", "PolicyDocument"),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::SQS::QueuePolicy": ("Queues", "PolicyDocument"),
}

STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
SETTINGS = {
    "Type": "CLOUDWATCH_METRIC",
    "AlarmIdentifier": {"Name": {"Ref": "One"}, "Region": EAST},
    "ChildHealthChecks": [1],
}

_leaves = st.sampled_from(
    [
        None,
        True,
        60,
        "",
        "*",
        "true",
        "PRIMARY",
        "0.0.0.0/0",
        "arn:aws:sns:us-east-1:000000000000:a",
        "${",
        '{"widgets": []}',
        "ALARM(a)",
        UNKNOWN,
        {"Ref": "One"},
        {"Ref": "Two"},
        {"Ref": "AWS::NoValue"},
        {"Ref": 7},
        {"Fn::GetAtt": ["One", "Arn"]},
        {"Fn::GetAtt": "One"},
        {"Fn::Sub": "${One}-${AWS::Region}"},
        {"Fn::Sub": ["${X}", {}]},
        {"Fn::Join": ["", "a"]},
        {"Fn::ImportValue": {"Ref": "One"}},
        {"Fn::GetStackOutput": "x"},
        {"Fn::GetStackOutput": {"Region": EAST}},
        {"Fn::If": ["C"]},
        either("a", ["b"]),
        STATEMENT,
        {"Statement": [STATEMENT]},
        SETTINGS,
        {"Rules": [{"Destination": "a"}], "Rule": 1},
        {"SecurityGroupIds": [{"Ref": "Two"}]},
    ]
)
_values = st.recursive(
    _leaves,
    lambda part: st.lists(part, max_size=2) | st.dictionaries(st.sampled_from(["Statement", "Type", "Region"]), part),
)


@st.composite
def _resources(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(TYPES)))
    properties = draw(st.dictionaries(st.sampled_from(TYPES[kind]), _values))
    return {"Type": kind, "Properties": properties}


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_resources(), _resources())
@example(
    {"Type": "AWS::Route53::RecordSet", "Properties": {"Failover": "PRIMARY"}}, {"Type": "AWS::SQS::Queue", "Properties": {}}
)
def test_rules_of_the_pack_judge_any_resource_without_a_crash(one: dict[str, Any], two: dict[str, Any]) -> None:
    resources = {"One": one, "Two": two}
    world = TemplateSet(templates=(template(resources, EAST), template(resources, WEST)), environment="prod")

    rows = judge(world, PACK).rows

    assert not [(row.rule, row.message) for row in rows if row.message.startswith(CRASHED)]


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_resource_with_nothing_set_is_judged_too(kind: str) -> None:
    world = TemplateSet(templates=(template({"It": {"Type": kind, "Properties": {}}}, EAST),), environment="prod")

    assert not [row for row in judge(world, PACK).rows if row.message.startswith(CRASHED)]
