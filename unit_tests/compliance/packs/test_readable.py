"""Templates that CloudFormation accepts are judged, in whichever form they are written."""

import json
from datetime import date
from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from compliance.gate import judge_templates
from compliance.packs.readable import readable

TRUST = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}
READS = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}]}
DYNAMIC = {"Fn::Sub": "arn:aws:s3:::{{resolve:ssm:bucket:1}}-${AWS::AccountId}/*"}
SPLIT = {"Fn::Join": ["", ["arn:aws:s3:::{{resolve:ssm:/a/", {"Ref": "P0"}, "/bucket}}/services/*"]]}
NAMED = {"Fn::Sub": "arn:aws:s3:::{{resolve:ssm:/a/${P0}/bucket}}/services/*"}
MANY = [{"Fn::If": [f"C{number}", READS["Statement"][0], {"Ref": "AWS::NoValue"}]} for number in range(40)]


@pytest.mark.parametrize(
    "resource",
    [
        {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": json.dumps(TRUST),
                "Policies": [{"PolicyName": "a", "PolicyDocument": json.dumps(READS)}],
            },
        },
        {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": "True", "KeyPolicy": TRUST}},
        *(
            {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": {"Statement": [{**READS["Statement"][0], "Resource": arn}]}},
            }
            for arn in (DYNAMIC, NAMED, SPLIT)
        ),
        {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [*READS["Statement"], *MANY]}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"Fn::If": ["C0", {"QueueName": "a"}, {"QueueName": "b"}]}},
        {"Type": "My::S3::Bucket::MODULE", "Properties": {}},
        {"Type": "AWS::Logs::ResourcePolicy", "Properties": {"PolicyName": "a", "PolicyDocument": json.dumps(READS)}},
    ],
)
def test_valid_template_is_judged(resource: dict[str, Any]) -> None:
    body = {
        "Parameters": {f"P{number}": {"Type": "String", "Default": "no"} for number in range(40)},
        "Conditions": {f"C{number}": {"Fn::Equals": [{"Ref": f"P{number}"}, "yes"]} for number in range(40)},
        "Resources": {"It": resource},
    }
    template = Template(name="t", body=body, region="us-east-1")

    ledger = judge_templates([template], "prod", date(2026, 11, 29), lambda _text: None)

    assert {row.verdict for row in ledger.findings if row.rule.startswith("AwsSolutions")} <= set(Verdict)
    assert any(row.logical_id == "It" for row in ledger.findings)


def test_range_of_a_network_is_literal_and_a_whole_reference_stays() -> None:
    reference = "{{resolve:secretsmanager:db}}"
    body = {
        "Parameters": {"Range": {"Type": "String", "Default": "10.0.0.0/16"}},
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Range"}}},
            "It": {
                "Type": "T",
                "Properties": {"a": {"Ref": "Range"}, "b": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "c": reference},
            },
        },
    }
    assert readable(body)["Resources"]["It"]["Properties"] == {"a": "10.0.0.0/16", "b": "10.0.0.0/16", "c": reference}


def test_statement_is_judged_in_any_order_of_its_keys() -> None:
    statement = {"Effect": "Allow", "Resource": "*", "Action": "*"}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}
    template = Template(name="t", body={"Resources": {"It": policy}}, region="us-east-1")

    ledger = judge_templates([template], "prod", date(2026, 11, 29), lambda _text: None)

    rule = "NIST.800.53.R5::NIST.800.53.R5-IAMPolicyNoStatementsWithAdminAccess"
    assert [row.verdict for row in ledger.findings if row.rule == rule] == [Verdict.FAIL]
