"""Every way of damaging a template is tried on what it is for, in both regions alike, and changes nothing else."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.mutants.mutant import REMOVED, Mutant, at, damage
from compliance.mutants.operators import mutants_of
from compliance.templates import World
from unit_tests.compliance.worlds import good, template

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


def world(*regions: str) -> World:
    resources = {"Queue": QUEUE, "Policy": POLICY, "FlowLog": FLOW_LOG, **KEYS}
    templates = tuple(template(copy.deepcopy(resources), region) for region in regions or ("us-east-1", "us-west-2"))
    return World(templates=templates, environment="prod")


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
        ("cross-wire", "Properties.RedrivePolicy.deadLetterTargetArn", "arn:aws:sqs:us-west-2:1:dead"),
    ],
)
def test_each_operator_is_tried(operator: str, place: str, after: object) -> None:
    assert after in [mutant.after for mutant in found(operator, place)]


def test_a_resource_is_removed_only_where_nothing_refers_to_it() -> None:
    assert {m.logical_id for m in mutants_of(world()) if m.operator == "remove"} == {"Policy", "OtherKey", "FlowLog"}


def test_the_arguments_of_intrinsic_functions_are_left_alone() -> None:
    assert not [mutant for mutant in mutants_of(world()) if "Fn::GetAtt" in mutant.pointer]


def test_the_same_case_is_tried_once() -> None:
    assert (
        len([m for m in mutants_of(world()) if m.place == "Properties.EnableKeyRotation" and m.operator == "disable"]) == 1
    )


def test_both_regions_are_damaged_alike() -> None:
    original = world()
    (mutant,) = found("disable", "Properties.SqsManagedSseEnabled")
    damaged = damage(original, mutant)
    assert len(mutant.stacks) == 2
    for before, after in zip(original.templates, damaged.templates, strict=True):
        assert at(before.body["Resources"]["Queue"], mutant.pointer) is True
        assert at(after.body["Resources"]["Queue"], mutant.pointer) is False


def test_a_damage_that_one_region_lacks_is_done_in_the_other() -> None:
    original = world()
    del original.templates[1].body["Resources"]["Queue"]["Properties"]["RedrivePolicy"]
    mutant = next(m for m in mutants_of(original) if m.place == "Properties.RedrivePolicy")
    assert "RedrivePolicy" not in damage(original, mutant).templates[0].body["Resources"]["Queue"]["Properties"]


@pytest.mark.property
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_mutant_differs_at_its_place_only_and_has_an_id_of_its_own(data: st.DataObject) -> None:
    original = World(templates=(template(good()), template(good(), "us-west-2")), environment="prod")
    text = json.dumps([t.body for t in original.templates])
    mutants = list(mutants_of(original))
    mutant = data.draw(st.sampled_from(mutants))
    damaged = damage(original, mutant)
    assert json.dumps([t.body for t in original.templates]) == text, "the original was changed"
    assert json.dumps([t.body for t in damaged.templates]) != text, f"{mutant} changes nothing"
    for before, after in zip(original.templates, damaged.templates, strict=True):
        others = {name: body for name, body in before.body["Resources"].items() if name != mutant.logical_id}
        assert {name: body for name, body in after.body["Resources"].items() if name != mutant.logical_id} == others
    assert len({found.id for found in mutants}) == len(mutants)
