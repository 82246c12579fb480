"""AWS's validation: its errors fail, its warnings are advice, and its schemas list the taggable types."""

from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.packs import native
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
