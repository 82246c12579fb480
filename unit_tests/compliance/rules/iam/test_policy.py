"""ActivePassive-IAMPolicy."""

import json
from typing import Any

import pytest

from compliance.rules.iam.policy import DOCUMENTS
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-IAMPolicy"
SNS = {"Service": "sns.amazonaws.com"}
OURS = {"StringEquals": {"aws:SourceAccount": "000000000000"}}


def _statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": OURS,
        **changes,
    }
    return {key: part for key, part in whole.items() if part is not None}


def _policy(*statements: Any, kind: str = "SQS::QueuePolicy", name: str = "PolicyDocument") -> dict[str, Any]:  # noqa: ANN401
    return {"Type": f"AWS::{kind}", "Properties": {name: {"Statement": list(statements)}}}


def _permission(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "f",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:aws:execute-api:us-west-2:0:a/*/*/x",
        **changes,
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": {k: part for k, part in properties.items() if part is not None}}


@pytest.mark.parametrize(
    "resource",
    [
        _policy(_statement()),
        _policy(_statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a"}, **OURS})),
        _policy(_statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-west-2:000000000000:a"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:aws:sns:*:${AWS::AccountId}:*"}}})),
        _policy(_statement(Principal=SNS, Condition={"ArnLike": {"aws:SourceArn": {"Fn::Sub": "${Api.Arn}/*"}}})),
        _policy(_statement(Condition={"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-1/r-2/*"}})),
        _policy(_statement(Principal={"AWS": "arn:aws:iam::000000000000:role/a"}, Condition=None)),
        _policy(_statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        _policy(_statement(Effect="Deny", Principal="*", Action="sqs:*", Condition=None)),
        _policy(_statement(), kind="SecretsManager::ResourcePolicy", name="ResourcePolicy"),
        _policy(
            _statement(Action="kms:*", Principal={"AWS": "arn:aws:iam::0:root"}, Condition=None),
            kind="KMS::Key",
            name="KeyPolicy",
        ),
        _policy(
            _statement(
                Action="kms:Decrypt", Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:x"}}
            ),
            kind="KMS::Key",
            name="KeyPolicy",
        ),
        _permission(),
        _permission(SourceArn=None, SourceAccount="000000000000"),
        _permission(Principal="000000000000", SourceArn=None),
        _permission(Principal="*", SourceArn=None, PrincipalOrgID="o-1"),
        {"Type": "AWS::Events::EventBusPolicy", "Properties": {"Statement": _statement()}},
    ],
)
def test_named_principal_passes(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is PASS


@pytest.mark.parametrize(
    "resource",
    [
        _policy(_statement(Condition=None)),
        _policy(_statement(Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}})),
        _policy(_statement(Condition={"StringLike": {"aws:SourceAccount": "*"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": "*:*"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:*"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}})),
        _policy(_statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a"}})),
        _policy(_statement(Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::a-*"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": ["arn:aws:sns:us-west-2:0:a", "arn:aws:s3:::a"]}})),
        _policy(_statement(Condition={"StringEquals": {"aws:SourceArn": "arn:aws-cn:s3:::a"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:s3:::a"}}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": {"Fn::ImportValue": "BucketArn"}}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": {"Ref": "BucketArn"}}})),
        _policy(_statement(Principal=SNS, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:route53:::hostedzone/Z1"}})),
        _policy(
            _statement(Principal=SNS, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:apigateway:us-west-2::/apis/a"}})
        ),
        _permission(Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::a"),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-west-2:*:alarm"}})),
        _policy(_statement(Condition={"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::a", "arn:aws:s3:*:*:*"]}})),
        _policy(_statement(Condition={"StringLike": {"aws:SourceAccount": "0*"}})),
        _policy(_statement(Condition={"ForAllValues:StringEquals": {"aws:SourceAccount": "000000000000"}})),
        _policy(_statement(Condition={"StringEqualsIfExists": {"aws:SourceAccount": "000000000000"}})),
        _policy(_statement(Principal="*", Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        _policy(_statement(Principal="*", Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}})),
        _policy(_statement(Principal="*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}})),
        _policy(_statement(Condition={"StringNotEquals": {"aws:SourceAccount": "1"}})),
        _policy(_statement(Principal="*", Condition=None)),
        _policy(_statement(Principal={"AWS": "*"}, Condition=None)),
        _policy(_statement(Principal="*")),
        _policy(_statement(Principal=None)),
        _policy(_statement(Action="sqs:*")),
        _policy(_statement(Action="*")),
        _policy(_statement(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::0:root"})),
        _policy(_statement(Action=None, NotAction="sqs:DeleteQueue")),
        _policy(_statement(), _statement(Condition=None)),
        _policy(either(_statement(), _statement(Condition=None))),
        _policy(_statement(Action="kms:Decrypt", Condition=None), kind="KMS::Key", name="KeyPolicy"),
        _policy(_statement(Action="s3:GetObject", Principal="*", Condition=None), kind="S3::BucketPolicy"),
        _permission(SourceArn=None),
        _permission(SourceArn="*"),
        _permission(Principal="*", SourceArn=None),
        _permission(Action="lambda:*"),
    ],
)
def test_unnamed_principal_fails(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is FAIL


def _tables(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    policy = {"ResourcePolicy": {"PolicyDocument": document}}
    of_replicas = [{"Region": "us-east-1"}, {"Region": "us-west-2", **policy}]
    of_streams = [{"Region": "us-east-1", "ReplicaStreamSpecification": policy}]
    return [
        {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": of_replicas}},
        {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": of_streams}},
        {"Type": "AWS::DynamoDB::Table", "Properties": policy},
        {"Type": "AWS::DynamoDB::Table", "Properties": {"StreamSpecification": policy}},
    ]


def test_tables_and_streams_carry_policies_too() -> None:
    named = _statement(Action="dynamodb:GetItem", Principal={"AWS": "arn:aws:iam::000000000000:role/a"}, Condition=None)
    for table in _tables({"Statement": named}):
        assert says(RULE, table) is PASS
    for table in _tables({"Statement": {**named, "Principal": "*"}}):
        assert says(RULE, table) is FAIL
        assert "admits everybody" in message(RULE, table)
    for table in _tables(UNKNOWN):
        assert says(RULE, table) is NOT_EVALUATED
    assert says(RULE, {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"Replicas": [{"Region": "us-east-1"}]}}) is None


@pytest.mark.parametrize(
    "arn", [{"Fn::GetAtt": ["Uploads", "Arn"]}, {"Fn::GetAtt": "Uploads.Arn"}, {"Fn::Sub": "${Uploads.Arn}"}]
)
def test_bucket_by_reference_needs_the_account_beside_it(arn: dict[str, Any]) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {}}
    alone = _policy(_statement(Principal=SNS, Condition={"ArnLike": {"aws:SourceArn": arn}}))
    assert verdict_in(RULE, "Policy", template({"Policy": alone, "Uploads": bucket})) is FAIL
    beside = _policy(_statement(Principal=SNS, Condition={"ArnLike": {"aws:SourceArn": arn}, **OURS}))
    assert verdict_in(RULE, "Policy", template({"Policy": beside, "Uploads": bucket})) is PASS
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    assert verdict_in(RULE, "Policy", template({"Policy": alone, "Uploads": queue})) is PASS


def test_service_and_what_it_lacks_are_reported() -> None:
    text = message(RULE, _policy(_statement(Condition=None)))

    assert "admits s3.amazonaws.com on behalf of any account; add aws:SourceAccount, or" in text


@pytest.mark.parametrize(
    "resource",
    [
        _policy(UNKNOWN),
        _policy(_statement(Action=UNKNOWN)),
        _permission(Action=None),
        {"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": UNKNOWN}},
    ],
)
def test_unresolved_value_is_not_evaluated(resource: dict[str, Any]) -> None:
    assert says(RULE, resource) is NOT_EVALUATED


def test_resource_without_a_policy_is_not_judged() -> None:
    assert says(RULE, {"Type": "AWS::KMS::Key", "Properties": {}}) is None


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_service_without_a_source_fails_in_every_type_of_policy(kind: str) -> None:
    name, type_ = DOCUMENTS[kind], kind.removeprefix("AWS::")
    statement = _statement(Action="sns:Publish", Condition=None)
    body = {"Statement": [statement]}
    value = statement if kind == "AWS::Events::EventBusPolicy" else body
    assert says(RULE, {"Type": kind, "Properties": {name: value}}) is FAIL
    assert says(RULE, _policy(_statement(Action="sns:Publish"), kind=type_, name=name)) is PASS or value is statement
    written = json.dumps(body)
    if value is body:
        assert says(RULE, {"Type": kind, "Properties": {name: written}}) is FAIL
