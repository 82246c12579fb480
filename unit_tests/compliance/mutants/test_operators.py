"""Each operator damages its places in both regions alike, and changes nothing else."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.cfn.templates import TemplateSet
from compliance.engine.candidates import REMOVED
from compliance.mutants.mutant import Mutant, at, damage
from compliance.mutants.operators import LOPSIDE, mutants_of
from unit_tests.compliance.fixtures import good, template
from unit_tests.fixtures.examples import examples

QUEUE = {
    "Type": "AWS::SQS::Queue",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {
        "QueueName": "serverless-ingest-prod",
        "VisibilityTimeout": 360,
        "SqsManagedSseEnabled": True,
        "KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
        "RedrivePolicy": {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:dead", "maxReceiveCount": 5},
    },
}
POLICY = {
    "Type": "AWS::SQS::QueuePolicy",
    "Properties": {
        "Queues": [{"Ref": "Queue"}],
        "PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "sqs:SendMessage", "Principal": {"AWS": "me"}}]},
    },
}
FLOW_LOG = {"Type": "AWS::EC2::FlowLog", "Properties": {"ResourceType": "VPC", "TrafficType": "ALL"}}
KEYS = {name: {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True}} for name in ("Key", "OtherKey")}


def world(*regions: str) -> TemplateSet:
    resources = {"Queue": QUEUE, "Policy": POLICY, "FlowLog": FLOW_LOG, **KEYS}
    templates = tuple(template(copy.deepcopy(resources), region) for region in regions or ("us-east-1", "us-west-2"))
    return TemplateSet(templates=templates, environment="prod")


def found(operator: str, place: str) -> list[Mutant]:
    return [m for m in mutants_of(world()) if (m.operator, m.place) == (operator, place)]


@pytest.mark.parametrize(
    ("operator", "place", "after"),
    [
        ("drop", "DeletionPolicy", REMOVED),
        ("weaken", "DeletionPolicy", "Delete"),
        ("weaken", "UpdateReplacePolicy", "Delete"),
        ("weaken", "Properties.TrafficType", "REJECT"),
        ("drop", "Properties.RedrivePolicy", REMOVED),
        ("drop", "Properties.RedrivePolicy.maxReceiveCount", REMOVED),
        ("drop", "Properties.PolicyDocument.Statement.*", REMOVED),
        ("disable", "Properties.SqsManagedSseEnabled", False),
        ("inflate", "Properties.VisibilityTimeout", 36_000),
        ("deflate", "Properties.VisibilityTimeout", 1),
        ("rename", "Properties.QueueName", "serverless-ingest-other"),
        ("weaken", "Properties.PolicyDocument.Statement.*.Effect", "Allow"),
        ("widen", "Properties.PolicyDocument.Statement.*.Action", "*"),
        ("widen", "Properties.PolicyDocument.Statement.*.Principal", "*"),
        ("cross-wire", "Properties.KmsMasterKeyId", {"Fn::GetAtt": ["OtherKey", "Arn"]}),
        ("stray", "Properties.KmsMasterKeyId", "arn:aws:kms:us-east-1:000000000000:elsewhere"),
        ("stray", "Properties.Queues.*", "elsewhere"),
        ("switch", "Properties.FifoQueue", True),
        ("switch", "Properties.MultiRegion", True),
        ("cross-wire", "Properties.RedrivePolicy.deadLetterTargetArn", "arn:aws:sqs:us-west-2:1:dead"),
    ],
)
def test_mutants_include_each_operator(operator: str, place: str, after: object) -> None:
    assert after in [mutant.after for mutant in found(operator, place)]


def test_resource_that_others_refer_to_is_not_removed() -> None:
    assert {m.logical_id for m in mutants_of(world()) if m.operator == "remove"} == {"Policy", "OtherKey", "FlowLog"}


def test_arguments_of_intrinsic_functions_are_unchanged() -> None:
    assert not [mutant for mutant in mutants_of(world()) if "Fn::GetAtt" in mutant.pointer]


def test_equal_cases_are_tried_once() -> None:
    assert (
        len([m for m in mutants_of(world()) if m.place == "Properties.EnableKeyRotation" and m.operator == "disable"]) == 1
    )


def test_mutant_damages_both_regions_alike() -> None:
    original = world()
    (mutant,) = found("disable", "Properties.SqsManagedSseEnabled")
    damaged = damage(original, mutant)
    assert len(mutant.stacks) == 2
    for before, after in zip(original.templates, damaged.templates, strict=True):
        assert at(before.body["Resources"]["Queue"], mutant.pointer) is True
        assert at(after.body["Resources"]["Queue"], mutant.pointer) is False


def test_damage_to_a_value_of_one_region_changes_only_that_one() -> None:
    original = world()
    del original.templates[1].body["Resources"]["Queue"]["Properties"]["RedrivePolicy"]
    mutant = next(m for m in mutants_of(original) if m.place == "Properties.RedrivePolicy")
    assert "RedrivePolicy" not in damage(original, mutant).templates[0].body["Resources"]["Queue"]["Properties"]


@pytest.mark.property
@given(st.data())
@settings(max_examples=examples(60))
def test_every_mutant_differs_at_its_place_only_with_a_unique_id(data: st.DataObject) -> None:
    original = TemplateSet(templates=(template(good()), template(good(), "us-west-2")), environment="prod")
    text = json.dumps([t.body for t in original.templates])
    mutants = list(mutants_of(original))
    mutant = data.draw(st.sampled_from(mutants))
    damaged = damage(original, mutant)
    assert json.dumps([t.body for t in original.templates]) == text, "the original was changed"
    changed = json.dumps([t.body for t in damaged.templates]) != text or mutant.pointer == ("stack_name",)
    assert changed, f"{mutant} changes nothing"
    for before, after in zip(original.templates, damaged.templates, strict=True):
        touched = {mutant.logical_id} if mutant.logical_id else _touched(mutant, before.body["Resources"])
        others = {name: body for name, body in before.body["Resources"].items() if name not in touched}
        assert {name: body for name, body in after.body["Resources"].items() if name not in touched} == others
    assert len({found.id for found in mutants}) == len(mutants)


def _touched(mutant: Mutant, resources: dict[str, dict[str, object]]) -> set[str]:
    """The logical ids that a damage to a template as a whole adds or takes away."""
    match mutant.pointer:
        case ("Resources", str(name)):
            return {name}
        case ("Types", kind):
            return {name for name, body in resources.items() if body["Type"] == kind}
    return set()


def test_rename_of_a_stack_changes_both_regions() -> None:
    original = world()
    (mutant,) = [m for m in mutants_of(original) if m.pointer == ("stack_name",)]

    assert [t.stack_name for t in damage(original, mutant).templates] == ["serverless-regional-other"] * 2


def test_all_resources_of_an_unreferenced_type_are_removed() -> None:
    cleared = {m.resource_type: m for m in mutants_of(world()) if m.operator == "clear"}

    assert set(cleared) == {"AWS::EC2::FlowLog", "AWS::SQS::QueuePolicy"}
    left = damage(world(), cleared["AWS::EC2::FlowLog"]).templates
    assert all("FlowLog" not in template.body["Resources"] for template in left)


def test_lopside_damages_one_region_only() -> None:
    lopsided = [m for m in mutants_of(world()) if m.operator == LOPSIDE]

    assert {m.place for m in lopsided} == {"Properties.QueueName", "Properties.VisibilityTimeout"}
    damaged = damage(world(), next(m for m in lopsided if m.place == "Properties.QueueName"))
    names = [template.body["Resources"]["Queue"]["Properties"]["QueueName"] for template in damaged.templates]
    assert sorted(names) == ["serverless-ingest-other", "serverless-ingest-prod"]


@pytest.mark.parametrize(
    ("kind", "properties", "pointer"),
    [
        ("AWS::ApiGatewayV2::Api", {"Name": "a"}, ("Properties", "CorsConfiguration")),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": []}}, ("Properties", "LifecycleConfiguration", "Rules")),
        ("AWS::SecretsManager::Secret", {"GenerateSecretString": {}}, ("Properties",)),
        ("AWS::DynamoDB::GlobalTable", {"Replicas": [{"Region": "us-east-1"}]}, ("Properties", "Replicas")),
        ("AWS::ApiGatewayV2::Integration", {"IntegrationType": "AWS_PROXY"}, ("Properties",)),
        ("AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": []}}, ("Properties", "PolicyDocument", "Statement")),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, ("Resources", "InsertedPeering")),
        ("AWS::EC2::RouteTable", {"VpcId": "vpc-1"}, ("Resources", "InsertedWayOut")),
        ("AWS::SQS::Queue", {}, ("Resources", "InsertedNestedStack")),
    ],
)
def test_insert_adds_forbidden_settings(kind: str, properties: dict[str, object], pointer: tuple[str, ...]) -> None:
    original = TemplateSet(templates=(template({"It": {"Type": kind, "Properties": properties}}),), environment="prod")
    mutants = [m for m in mutants_of(original) if m.operator == "insert" and m.pointer == pointer]

    assert mutants
    for mutant in mutants:
        assert damage(original, mutant).templates[0].body != original.templates[0].body


def test_alarm_is_cross_wired_to_a_resource_of_the_same_type() -> None:
    queues = {name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}} for name in ("one", "two")}
    dimension = [{"Name": "QueueName", "Value": "one"}]
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Dimensions": dimension}}
    original = TemplateSet(templates=(template({**queues, "Alarm": alarm}),), environment="prod")

    assert [m.after for m in mutants_of(original) if m.operator == "cross-wire"] == ["two"]


def test_buckets_of_different_purposes_are_different_cases() -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    buckets = {
        "Logs": {"Type": "AWS::S3::Bucket", "Properties": versioned},
        "MoreLogs": {"Type": "AWS::S3::Bucket", "Properties": versioned},
        "Work": {"Type": "AWS::S3::Bucket", "Properties": {**versioned, "NotificationConfiguration": {}}},
    }
    original = TemplateSet(templates=(template(buckets),), environment="prod")
    dropped = [m.logical_id for m in mutants_of(original) if m.place == "Properties.VersioningConfiguration"]

    assert dropped == ["Logs", "Work"]
