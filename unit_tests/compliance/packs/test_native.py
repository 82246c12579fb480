"""AWS's validation: errors fail, warnings are advice; what CloudFormation accepts is judged, in whichever form."""

import json
from datetime import date
from typing import Any

import pytest

from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.gate import judge_templates
from compliance.packs import native
from compliance.packs.readable import readable
from unit_tests.compliance.fixtures import template


def _validate(resources: dict[str, object], region: str = "us-east-1") -> list[tuple[str, Verdict, str]]:
    world = TemplateSet(templates=(template(resources, region),), environment="prod")
    return [(row.rule, row.verdict, row.logical_id) for row in native.validate(world).rows]


def test_error_fails_its_resource_at_a_line_and_others_pass() -> None:
    text = '{\n"Resources": {\n"Bad": {"Type": "AWS::SQS::Queue", "Properties": {\n"Zed": 1}},\n'
    text += '"Good": {"Type": "AWS::SQS::Queue"}}}'
    bad = Template(
        name="t",
        body={"Resources": {"Bad": {"Type": "AWS::SQS::Queue"}, "Good": {"Type": "AWS::SQS::Queue"}}},
        text=text,
        region="us-east-1",
    )

    rows = native.validate(TemplateSet(templates=(bad,), environment="prod")).rows

    assert [(row.logical_id, row.verdict) for row in rows] == [("Bad", Verdict.FAIL), ("Good", Verdict.PASS)]
    assert "'Zed' was unexpected" in rows[0].message
    assert rows[0].line in {3, 4}


def test_unknown_type_fails() -> None:
    assert _validate({"It": {"Type": "AWS::No::Such"}}) == [("CloudFormation::F3006", Verdict.FAIL, "It")]


def test_error_of_the_whole_template_leaves_no_pass() -> None:
    broken = Template(name="t", body={"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}, text="{not json")

    rows = native.validate(TemplateSet(templates=(broken,), environment="prod")).rows

    assert {row.verdict for row in rows} == {Verdict.FAIL}


def test_template_metadata_cannot_disable_validation() -> None:
    ignore = {"cfn-lint": {"config": {"ignore_checks": ["E", "F", "W", "I"]}}}
    resource = {"Type": "AWS::SQS::Queue", "Metadata": ignore, "Properties": {"Zed": 1}}
    silent = Template(name="t", body={"Metadata": ignore, "Resources": {"It": resource}})

    rows = native.validate(TemplateSet(templates=(silent,), environment="prod")).rows

    assert [row.verdict for row in rows] == [Verdict.FAIL]


def test_warning_is_advice_and_does_not_fail() -> None:
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
        "Q": {"Type": "AWS::SQS::Queue", "DependsOn": "K", "Properties": {"KmsMasterKeyId": {"Ref": "K"}}},
        "K": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True}},
    }
    found = native.validate(TemplateSet(templates=(template(resources),), environment="prod"))

    assert "CloudFormation::W3005" in {advice.rule for advice in found.advice}
    assert "CloudFormation::W3005" not in {row.rule for row in found.rows}


def test_taggable_types_follow_the_schemas() -> None:
    kinds = ("AWS::SQS::Queue", "AWS::SSM::Parameter", "AWS::KMS::Alias", "AWS::SQS::QueuePolicy", "Custom::Thing")
    resources = {f"R{index}": {"Type": kind} for index, kind in enumerate(kinds)}

    assert native.taggable_types([template(resources)]) == {"AWS::SQS::Queue", "AWS::SSM::Parameter"}


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
