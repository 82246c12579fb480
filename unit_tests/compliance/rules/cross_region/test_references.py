"""ActivePassive-CrossRegionReferences."""

import re
from typing import Any

import pytest

from compliance.engine.findings import Verdict
from compliance.rules.cross_region.references import DECLARED
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CrossRegionReferences"
THERE = "arn:aws:sqs:us-east-1:000000000000:serverless-ingest-prod"


def _function(**variables: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}


def _policy(action: Any, resource: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}


def _it(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _says(it: dict[str, Any], parameters: Any = None, twin: str = EAST) -> Verdict | None:  # noqa: ANN401
    west = template({"It": it, "Queue": _it("SQS::Queue")}, WEST)
    west.body["Parameters"] = parameters or {}
    return verdict_in(RULE, "It", west, template({"Queue": _it("SQS::Queue")}, twin))


@pytest.mark.parametrize(
    "it",
    [
        _function(QUEUE="arn:aws:sqs:us-west-2:000000000000:a", URL={"Ref": "Queue"}),
        _function(ARN={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:a"}),
        _function(PRIMARY_REGION=EAST),
        _function(ZONE="us-east-11", OTHER="xus-east-1"),
        _it("Lambda::Function", Description="The passive one; us-east-1 is active"),
        _it("SQS::Queue", Tags=[{"Key": "Note", "Value": "like us-east-1"}]),
        _it("S3::Bucket", ReplicationConfiguration={"Rules": [{"Destination": {"Bucket": f"arn:aws:s3:::a-{EAST}-an"}}]}),
        _it("DynamoDB::GlobalTable", Replicas=[{"Region": EAST}, {"Region": WEST}]),
        _it("SecretsManager::Secret", ReplicaRegions=[{"Region": EAST}]),
        _it("CloudWatch::Alarm", AlarmDescription=f"to {EAST}", Dimensions=[{"Name": "ReceivingRegion", "Value": EAST}]),
        _it("Route53::HealthCheck", HealthCheckConfig={"AlarmIdentifier": {"Name": "a", "Region": EAST}}),
        _it("CloudWatch::Dashboard", DashboardBody=f'{{"region": "{EAST}"}}'),
        _it("KMS::Key", KeyPolicy={"Statement": [{"Condition": {"StringEquals": {"aws:SourceArn": THERE}}}]}),
        _policy(["s3:ReplicateObject", "s3:ReplicateDelete"], f"arn:aws:s3:::a-{EAST}-an/*"),
        _policy("kms:Encrypt", f"arn:aws:kms:{EAST}:0:key/1"),
    ],
)
def test_own_region_or_declared_reference_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _function(QUEUE=THERE),
        _function(QUEUE_URL="https://sqs.us-east-1.amazonaws.com/0/a"),
        _function(REGION=EAST),
        _function(BUCKET={"Fn::Join": ["-", ["a", EAST, "an"]]}),
        _function(BUCKET={"Fn::Join": ["", ["a-us-", "east-1"]]}),
        _function(BUCKET={"Fn::Sub": ["${B}", {"B": EAST}]}),
        _function(BUCKET={"Fn::Select": [1, ["a", EAST]]}),
        _function(BUCKET=either(WEST, EAST)),
        _function(ZONE="us-east-1a"),
        _function(**{EAST: "x"}),
        _function(PEER_REGION=EAST),
        _function(PEER_INGEST_BUCKET=f"serverless-ingest-prod-000000000000-{EAST}-an"),
        _it("Route53::HealthCheck", HealthCheckConfig={"FullyQualifiedDomainName": f"{EAST}.example.com"}),
        _policy("dynamodb:GetItem", f"arn:aws:dynamodb:{EAST}:0:table/a"),
        _it("SQS::Queue", RedrivePolicy={"deadLetterTargetArn": THERE}),
        _it("S3::Bucket", NotificationConfiguration={"QueueConfigurations": [{"Queue": THERE}]}),
        _it("S3::Bucket", ReplicationConfiguration={"Role": f"arn:aws:iam::0:role/{EAST}"}),
        _it("CloudWatch::Alarm", AlarmActions=[THERE]),
        _it("KMS::Key", KeyPolicy={"Statement": [{"Principal": {"Service": f"logs.{EAST}.amazonaws.com"}}]}),
        _policy("sqs:SendMessage", THERE),
        _policy(["s3:ReplicateObject", "s3:GetObject"], f"arn:aws:s3:::a-{EAST}-an/*"),
        _policy("kms:Decrypt", f"arn:aws:kms:{EAST}:0:key/1"),
        _policy(["kms:Decrypt", "kms:Encrypt"], f"arn:aws:kms:{EAST}:0:key/1"),
        _policy(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"], f"arn:aws:kms:{EAST}:0:key/1"),
        _policy("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:{EAST}:0:secret:a-??????"),
    ],
)
def test_naming_the_other_region_fails(it: dict[str, Any]) -> None:
    assert _says(it) is FAIL


def test_place_is_reported() -> None:
    west, east = template({"It": _function(QUEUE=THERE)}, WEST), template({}, EAST)

    assert message_in(RULE, "It", west, east) == f"Environment.Variables.QUEUE names us-east-1: {THERE}"


@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ({"Ref": "Queue2"}, {"Queue2": {"Type": "String"}}),
        ({"Fn::Sub": "arn:aws:sqs:${R}:0:a"}, {"R": {"Type": "String", "Default": WEST}}),
        ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Peer"]}, {}),
    ],
)
def test_unresolved_value_is_not_evaluated(value: Any, parameters: Any) -> None:  # noqa: ANN401
    assert _says(_function(QUEUE=value), parameters) is NOT_EVALUATED


def test_parameter_is_judged_by_what_it_may_be() -> None:
    function = _function(REGION={"Ref": "R"})

    assert _says(function, {"R": {"Type": "String", "AllowedValues": [WEST, "eu-west-1"]}}) is PASS
    assert _says(function, {"R": {"Type": "String", "AllowedValues": [WEST, EAST]}}) is FAIL
    assert _says(function, {"R": {"Type": "Number"}}) is PASS


def test_stack_of_one_region_is_not_judged() -> None:
    assert verdict_in(RULE, "It", template({"It": _function(QUEUE=THERE)}, WEST)) is None
    other = template({}, EAST, "serverless-data-prod")
    assert verdict_in(RULE, "It", template({"It": _function(QUEUE=THERE)}, WEST), other) is None


def test_each_declared_place_has_a_reason_and_is_narrow() -> None:
    for declared in DECLARED:
        assert declared.reason
        assert re.compile(declared.type)
        assert re.fullmatch(declared.path, "Anything") is None


def test_regions_re_encryption_of_a_replica_secret_passes() -> None:
    actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    assert _says(_policy(actions, f"arn:aws:kms:{EAST}:0:key/*")) is PASS
