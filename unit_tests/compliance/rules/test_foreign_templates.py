"""Test that the gate accepts sound text of public templates: each case was once a finding on one of them."""

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from compliance import gate
from compliance.cfn.loading import LoadError, load_templates
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.corruptions import ABSENT, either, resource
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS

BOUNDED: Final = either({"Ref": "Boundary"}, ABSENT)
OTHER: Final = "arn:aws:iam::000000000000:policy/other"
LOAD_BALANCING: Final = "arn:aws:iam::127311923021:root"
CHOSEN: Final = {"Fn::If": ["HasClusterMode", {"Fn::GetAtt": ["A", "B"]}, "10.0.0.1"]}
WRITES: Final = {"Effect": "Allow", "Principal": {"AWS": LOAD_BALANCING}, "Action": "s3:PutObject", "Resource": "*"}
READS: Final = {**WRITES, "Action": ["s3:PutObject", "s3:GetObject"]}


def _role(boundary: Any = None, service: str = "lambda.amazonaws.com") -> dict[str, Any]:  # noqa: ANN401
    trusts = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return resource("IAM::Role", AssumeRolePolicyDocument={"Statement": [trusts]}, PermissionsBoundary=boundary)


def _bucket_policy(statement: dict[str, Any]) -> dict[str, Any]:
    return resource("S3::BucketPolicy", Bucket="a", PolicyDocument={"Statement": [statement]})


def _mapped(template_text: str) -> dict[str, Any]:
    responses = [{"StatusCode": 200, "ResponseTemplates": {"application/json": template_text}}]
    return resource("ApiGateway::Method", Integration={"IntegrationResponses": responses})


@pytest.mark.parametrize(
    ("rule", "resources", "expected"),
    [
        ("IAMBoundary", {"It": _role(BOUNDED), "Other": _role(BOUNDED)}, PASS),  # on the same condition
        ("IAMBoundary", {"It": _role(OTHER), "Other": _role(OTHER)}, PASS),
        ("IAMBoundary", {"It": _role(BOUNDED), "Other": _role(OTHER)}, FAIL),
        ("IAMBoundary", {"It": _role(), "Other": _role(BOUNDED)}, FAIL),
        ("IAMStranger", {"It": resource("CloudWatch::Alarm", Threshold=192_000_000_000)}, PASS),
        ("IAMStranger", {"It": resource("CloudWatch::Alarm", Owner=192_000_000_000)}, FAIL),
        ("IAMStranger", {"It": resource("X::Y", S3BucketName={"Fn::ImportValue": {"Fn::Sub": "${Parent}-Name"}})}, None),
        ("IAMStranger", {"It": resource("Route53::RecordSet", Type="A", ResourceRecords=[CHOSEN])}, PASS),
        ("IAMStranger", {"It": _bucket_policy(WRITES)}, PASS),
        ("IAMStranger", {"It": _bucket_policy(READS)}, FAIL),
        ("IAMStranger", {"It": resource("X::Y", Principal=LOAD_BALANCING)}, FAIL),
        ("IAMDeputy", {"It": _role(service="states.us-east-1.amazonaws.com")}, FAIL),
        ("IAMDeputy", {"It": _role(service="lambda.eu-west-1.amazonaws.com")}, PASS),
        ("IAMDeputy", {"It": _role(service="unheard-of.us-east-1.amazonaws.com")}, NOT_EVALUATED),
    ],
)
def test_verdict_is_one_that_an_engineer_accepts(rule: str, resources: dict[str, Any], expected: Verdict | None) -> None:
    (made := template(resources)).body["Parameters"] = {"Parent": {"Type": "String", "Default": ""}}
    rows = [row for row in ask(f"ActivePassive-{rule}", made) if row.logical_id == "It"]
    assert [row.verdict for row in rows] == ([expected] if expected else []), rows


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"executionToken": "$context.requestId"}', PASS),
        ('{"token": "$input.path(\'$.token\')"}', PASS),
        ('{"executionToken": "correct horse"}', FAIL),
    ],
)
def test_reference_of_a_mapping_template_is_no_secret(text: str, expected: Verdict) -> None:
    assert [row.verdict for row in ask("Template-Secrets", template({"It": _mapped(text)})) if row.logical_id] == [expected]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AuthToken", {"Fn::If": ["HasAuthToken", {"Ref": "AuthToken"}, ABSENT]}, PASS),
        ("AuthToken", {"Fn::If": ["HasAuthToken", "correct horse", ABSENT]}, FAIL),
        ("EncryptionKey", "alias/aws/s3", PASS),
    ],
)
def test_condition_or_alias_is_no_secret(name: str, value: Any, expected: Verdict) -> None:  # noqa: ANN401
    made = template({"It": resource("X::Y", **{name: value})})
    assert [row.verdict for row in ask("Template-Secrets", made) if row.logical_id] == [expected]


def test_key_of_the_default_policy_of_a_topic_is_known() -> None:
    """SNS writes AWS:SourceOwner into each topic's default policy."""
    condition = {"StringEquals": {"AWS:SourceOwner": "000000000000"}}
    admits = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish", "Resource": "*", "Condition": condition}
    policy = resource("SNS::TopicPolicy", Topics=["t"], PolicyDocument={"Statement": [admits]})
    assert [row.verdict for row in ask("ActivePassive-IAMReference", template({"It": policy}))] == [PASS]


def test_code_in_a_local_folder_is_named_in_the_message() -> None:
    code = {"S3Bucket": {"Ref": "SamPackageBucket"}, "S3Key": "./src"}
    (row,) = ask("ActivePassive-LambdaCode", template({"It": resource("Lambda::Function", Code=code)}))
    assert (row.verdict, "SamPackageBucket" in row.message) == (NOT_EVALUATED, False)
    assert "./src" in row.message
    assert "sam package" in row.message


def test_null_argument_of_a_function_is_refused_with_its_place(tmp_path: Path) -> None:
    zone = {"Fn::Select": [0, {"Fn::GetAZs": None}]}
    file = tmp_path / "subnet.json"
    file.write_text(json.dumps({"Resources": {"It": resource("EC2::Subnet", VpcId="vpc", AvailabilityZone=zone)}}))
    with pytest.raises(LoadError, match="'Fn::GetAZs' of resource 'It' is null"):
        gate.judge_templates(load_templates([(file, "us-east-1")]), "prod", date(2026, 1, 1), lambda _text: None)
