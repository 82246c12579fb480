"""ActivePassive-IAMResource."""

from typing import Any

import pytest

from compliance.aws.permissions import MADE_AT_RUN_TIME, is_wild_resource, knows_no_resource
from compliance.cfn.values import UnresolvedError
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.identities import managed, shapes
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-IAMResource"
KEYS = {"Fn::Sub": "arn:aws:kms:us-west-2:${AWS::AccountId}:key/*"}
ALIASES = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}
TRACING = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


@pytest.mark.parametrize("resource", shapes())
def test_named_resources_pass_in_every_shape(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize("resource", shapes(Resource="*"))
def test_wildcard_fails_in_every_shape(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action=TRACING, Resource="*"),
        managed(Action="XRAY:puttracesegments", Resource="*"),
        managed(Action=["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"], Resource="*"),
        managed(Action=["kms:Encrypt", "kms:GenerateDataKey"], Resource=KEYS, Condition=ALIASES),
        managed(Action="s3:GetObject", Resource={"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/incoming/*"]]}),
        managed(Action="s3:GetObject", Resource="arn:aws:s3:::serverless-ingest-prod/*"),
        managed(Action="secretsmanager:GetSecretValue", Resource="arn:aws:secretsmanager:us-west-2:0:secret:receipt-??????"),
        managed(Action="logs:PutLogEvents", Resource="arn:aws:logs:us-west-2:0:log-group:/aws/lambda/x:*"),
        managed(Effect="Deny", Action="s3:*", Resource="*"),
        managed(Resource=[{"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::ImportValue": "arn"}]),
    ],
)
def test_wildcard_where_aws_allows_nothing_narrower_passes(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action=[*TRACING, "s3:GetObject"], Resource="*"),
        managed(Action="ec2:RevokeSecurityGroupIngress", Resource="*"),
        managed(Resource=["arn:aws:dynamodb:us-west-2:0:table/a", "*"]),
        managed(Resource="arn:aws:dynamodb:us-west-2:000000000000:table/*"),
        managed(Resource={"Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*"}),
        managed(Resource="arn:aws:dynamodb:*:*:*"),
        managed(Resource="arn:*"),
        managed(Action="s3:GetObject", Resource="arn:aws:s3:::*"),
        managed(Action="s3:GetObject", Resource="arn:aws:s3:::*/*"),
        managed(Action="kms:Decrypt", Resource=KEYS),
        managed(Action="kms:Decrypt", Resource=KEYS, Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}}),
        managed(Action="kms:Decrypt", Resource=KEYS, Condition={"StringLike": {"kms:ResourceAliases": "*"}}),
        managed(Resource=None, NotResource="arn:aws:dynamodb:us-west-2:0:table/a"),
        managed(Resource=None),
        managed(Resource=[]),
        managed(Action="kms:Decrypt", Resource="*", Condition=ALIASES),
        managed(Resource=either("arn:aws:dynamodb:us-west-2:0:table/a", "*")),
    ],
)
def test_wildcard_where_a_name_would_do_fails(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


def test_action_that_knows_its_resource_is_reported() -> None:
    text = message(RULE, managed(Action=[*TRACING, "s3:GetObject"], Resource="*"))

    assert "allows s3:GetObject on *" in text


@pytest.mark.parametrize(
    "resource",
    [
        managed(Resource=UNKNOWN),
        managed(Action="quantumthings:Do", Resource="*"),
        managed(Action=UNKNOWN, Resource="*"),
        managed(Resource=[["*"]]),
    ],
)
def test_unresolved_value_is_not_evaluated(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is NOT_EVALUATED


def test_reference_to_a_resource_beside_it_is_no_parameter() -> None:
    resources = {
        "It": managed(Action="sns:Publish", Resource={"Ref": "Topic"}),
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
    }

    assert verdict_in(RULE, "It", template(resources)) is PASS


def test_table_says_what_the_service_authorization_reference_says() -> None:
    for action in (*TRACING, "ec2:DescribeSubnets", "sqs:ListQueues", "kms:CreateKey", "cloudwatch:PutMetricData"):
        assert knows_no_resource(action), action
    for action in ("s3:GetObject", "ec2:RevokeSecurityGroupEgress", "sqs:SendMessage", "kms:Decrypt", "iam:PassRole"):
        assert not knows_no_resource(action), action
    for action in MADE_AT_RUN_TIME:
        assert knows_no_resource(action)
    with pytest.raises(UnresolvedError, match="is not in AWS's Service Authorization Reference"):
        knows_no_resource("quantumthings:Do")


@pytest.mark.parametrize(
    ("pattern", "wild"),
    [
        ("*", True),
        ("**", True),
        ("arn:aws:iam::0:role/*", True),
        ("arn:aws:execute-api:us-west-2:0:*", True),
        ("arn:aws:execute-api:us-west-2:0:*/*/*", True),
        ("arn:aws:execute-api:us-west-2:0:a1b2c3/*", False),
        ("arn:aws:s3:::a-bucket/*", False),
        ("${Bucket.Arn}/*", False),
        ("${Table.Arn}", False),
        ("a", False),
    ],
)
def test_pattern_is_wild_if_it_names_nothing(pattern: str, wild: bool) -> None:  # noqa: FBT001
    assert is_wild_resource(pattern) is wild
