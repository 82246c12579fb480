"""ActivePassive-IAMReference."""

from typing import Any

import pytest

from compliance.aws.authorization_reference import accepts, actions_of
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.identities import managed, shapes
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-IAMReference"
TABLE = "arn:aws:dynamodb:us-west-2:000000000000:table/serverless-ledger-prod"
BUCKET = "arn:aws:s3:::serverless-ingest-prod"


def _queue_policy(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod",
        "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        **changes,
    }
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}


@pytest.mark.parametrize("resource", shapes())
def test_iam_reference_statement_of_defined_names_passes(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize("action", ["dynamodb:GetItems", "dynamo:GetItem", "s3:GetObject ", "dynamodb:Getitm*", "nothing"])
@pytest.mark.parametrize("index", range(8))
def test_iam_reference_unknown_action_fails_in_every_shape(action: str, index: int) -> None:
    assert says(RULE, shapes(Action=["dynamodb:GetItem", action])[index]) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        managed(Effect="Deny", Action="s3:DeleteObjects", Resource="*"),
        managed(Effect="Deny", Action=None, NotAction=["s3:GetObject", "iam:GetRoll"], Resource="*"),
        managed(Action=either("dynamodb:GetItem", "dynamodb:GetItm")),
        _queue_policy(Action="sqs:SendMesage"),
        {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": {
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AsumeRole",
        }}}},
        {"Type": "AWS::Lambda::Permission", "Properties": {
            "Action": "lambda:InvokeFunktion", "FunctionName": "f", "Principal": "s3.amazonaws.com",
        }},
    ],
)  # fmt: skip
def test_iam_reference_unknown_action_fails_in_every_policy(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action="s3:GetObject", Resource=BUCKET),
        managed(Action="s3:ListBucket", Resource=f"{BUCKET}/*"),
        managed(Action=["s3:GetObject", "s3:ListBucket"], Resource=f"{BUCKET}/*"),
        managed(Action="dynamodb:GetItem", Resource=f"{TABLE}/index/*"),
        managed(Action="dynamodb:GetItem", Resource=[TABLE, "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod"]),
        managed(Action="sqs:SendMessage", Resource="arn:aws:sns:us-west-2:000000000000:a"),
        managed(Action="xray:PutTraceSegments", Resource="arn:aws:xray:us-west-2:000000000000:group/a/b"),
        managed(Action="kms:Decrypt", Resource="arn:aws:kms:us-west-2:000000000000:alias/serverless-data-prod"),
        managed(Effect="Deny", Action="s3:DeleteObject", Resource=BUCKET),
    ],
)
def test_iam_reference_resource_of_another_type_fails(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


@pytest.mark.parametrize(
    "resource",
    [
        managed(Action="s3:GetObject", Resource=f"{BUCKET}/*"),
        managed(Action="s3:GetObject", Resource={"Fn::Sub": "arn:${AWS::Partition}:s3:::a-${AWS::AccountId}/incoming/*"}),
        managed(Action=["s3:GetObject", "s3:ListBucket"], Resource=[BUCKET, f"{BUCKET}/*"]),
        managed(Action="kms:Decrypt", Resource={"Fn::Sub": "arn:aws:kms:us-east-1:${AWS::AccountId}:key/*"}),
        managed(Action="secretsmanager:GetSecretValue", Resource="arn:aws:secretsmanager:us-west-2:0:secret:a/b-??????"),
        managed(Action="dynamodb:Query", Resource=[TABLE, f"{TABLE}/index/by_file"]),
        managed(Action="xray:PutTraceSegments", Resource="*"),
        managed(Effect="Deny", Action="*", Resource="*"),
    ],
)
def test_iam_reference_resource_of_its_type_passes(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize(
    ("action", "resource", "condition"),
    [
        ("kms:Decrypt", "*", {"StringEquals": {"kms:ViaServices": "s3.us-west-2.amazonaws.com"}}),
        ("s3:GetObject", f"{BUCKET}/*", {"StringLike": {"s3:prefix": "incoming/*"}}),
        ("dynamodb:PutItem", TABLE, {"ForAnyValue:StringEquals": {"dynamodb:LeadingKey": "CONTROL"}}),
        ("dynamodb:PutItem", TABLE, {"ForAllValues:StringEquals": {"dynamodb:LeadingKey": "CONTROL"}}),
        ("iam:PassRole", "arn:aws:iam::0:role/a", {"StringEquals": {"iam:PassToService": "s3.amazonaws.com"}}),
        ("sqs:SendMessage", "arn:aws:sqs:us-west-2:0:a", {"StringEquals": {"aws:SourceAcount": "0"}}),
        ("sqs:SendMessage", "arn:aws:sqs:us-west-2:0:a", {"StringEqualsIfExists": {"sqs:Colour": "red"}}),
    ],
)
def test_iam_reference_key_that_no_request_carries_fails(action: str, resource: str, condition: dict[str, Any]) -> None:
    assert says(RULE, managed(Action=action, Resource=resource, Condition=condition)) is FAIL


@pytest.mark.parametrize(
    ("action", "resource", "condition"),
    [
        ("kms:Decrypt", "*", {"StringEquals": {"KMS:viaService": "s3.us-west-2.amazonaws.com"}}),
        ("kms:Decrypt", "*", {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": BUCKET}}),
        ("s3:ListBucket", BUCKET, {"StringLike": {"s3:prefix": "incoming/*"}}),
        ("dynamodb:PutItem", TABLE, {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "CONTROL"}}),
        ("iam:PassRole", "arn:aws:iam::0:role/a", {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}),
        (
            "s3:GetObject",
            f"{BUCKET}/*",
            {"StringEquals": {"aws:PrincipalTag/team": "a"}, "Bool": {"aws:SecureTransport": "true"}},
        ),
    ],
)
def test_iam_reference_key_that_requests_carry_passes(action: str, resource: str, condition: dict[str, Any]) -> None:
    assert says(RULE, managed(Action=action, Resource=resource, Condition=condition)) is PASS


def test_iam_reference_finding_proposes_the_near_action() -> None:
    assert "did you mean dynamodb:GetItem" in message(RULE, managed(Action="dynamodb:GetItems"))


def test_iam_reference_finding_names_the_accepted_resources() -> None:
    text = message(RULE, managed(Sid="Read", Action="s3:GetObject", Resource=BUCKET))
    assert f"Read names the resource {BUCKET}, which is of no type that s3:GetObject accepts" in text
    assert "arn:${Partition}:s3:::${BucketName}/${ObjectName}" in text


def test_iam_reference_unknown_policy_is_not_evaluated() -> None:
    assert says(RULE, managed(Action=UNKNOWN)) is NOT_EVALUATED


def test_accepts_thousands_of_wildcards_ends() -> None:
    action = actions_of("secretsmanager:GetSecretValue")[0]
    assert not accepts(action, "arn:aws:sqs:us-west-2:0:" + "*a" * 2000)
    assert accepts(action, "arn:aws:secretsmanager:us-west-2:0:secret:" + "*a" * 500)
