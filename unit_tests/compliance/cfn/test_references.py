"""A value resolves to the right text and to the right resource."""

from typing import Any

import pytest

from compliance.cfn.references import follow, is_there_with, named, of_type, partition, render, resource_of, values_in
from compliance.cfn.templates import Template, TemplateSet
from compliance.cfn.values import UnresolvedError

KEYS = Template(
    name="Keys",
    region="us-east-1",
    stack_name="serverless-keys-prod",
    body={
        "Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}},
        "Outputs": {
            "KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": {"Fn::Sub": "keys-${AWS::Region}"}}},
            "Round": {"Value": {"Fn::ImportValue": "round"}, "Export": {"Name": "round"}},
            "Broken": "x",
        },
    },
)
EAST = Template(
    name="East",
    region="us-east-1",
    stack_name="serverless-regional-prod",
    body={
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::If": ["C", "a", "b"]}}},
            "Maybe": {"Type": "AWS::SQS::Queue", "Condition": "C", "Properties": {}},
            "MaybeToo": {"Type": "AWS::SQS::Queue", "Condition": "C", "Properties": {}},
            "Odd": {"Type": "AWS::SQS::Queue", "Properties": "x"},
        }
    },
)
WORLD = TemplateSet(templates=(KEYS, EAST), environment="prod")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (60, "60"),
        (False, "false"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::AccountId"}, "${AWS::AccountId}"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "${Queue.Arn}"),
        ({"Fn::GetAtt": "Queue.Arn"}, "${Queue.Arn}"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Queue"}]]}, "a/${Queue}"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${!Literal}/${Queue.Arn}"}, "arn:aws:s3:::${Literal}/${Queue.Arn}"),
        ({"Fn::Sub": ["${A}-${B}", {"A": {"Ref": "AWS::Region"}}]}, "us-east-1-${B}"),
        ({"Fn::ImportValue": "x"}, "${Fn::ImportValue x}"),
    ],
)
def test_value_is_rendered_as_far_as_it_is_known(value: Any, text: str) -> None:  # noqa: ANN401
    assert render(value, EAST) == text


def test_long_unknown_values_that_differ_at_the_end_render_differently() -> None:
    east, west = ({"Fn::GetStackOutput": {"StackName": "stack" * 20, "Region": region}} for region in ("a-1", "b-1"))

    assert render(east, EAST) != render(west, EAST)


@pytest.mark.parametrize("value", [None, [], {}, {"a": 1}, {"Ref": "A", "b": 1}])
def test_value_that_is_not_a_text_is_unresolved(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnresolvedError):
        render(value, EAST)


def test_render_without_a_region_leaves_it_unknown() -> None:
    nowhere = Template(name="x", body={})

    assert render({"Fn::Sub": "${AWS::Region}${AWS::Partition}"}, nowhere) == "${AWS::Region}${AWS::Partition}"


@pytest.mark.parametrize(
    ("region", "expected"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_each_region_has_its_partition(region: str, expected: str) -> None:
    assert partition(region) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Key"},
        {"Fn::GetAtt": ["Key", "Arn"]},
        {"Fn::GetAtt": "Key.Arn"},
        {"Fn::Sub": "${Key.Arn}"},
        {"Fn::ImportValue": "keys-us-east-1"},
        {
            "Fn::GetStackOutput": {
                "StackName": "serverless-keys-prod",
                "Region": {"Ref": "AWS::Region"},
                "OutputName": "KeyArn",
            }
        },
    ],
)
def test_a_reference_names_its_resource(value: Any) -> None:  # noqa: ANN401
    assert named(value, KEYS, WORLD) is resource_of(KEYS, "Key")


@pytest.mark.parametrize(
    "value",
    [
        "Key",
        {"Ref": "Nothing"},
        {"Fn::ImportValue": "keys-us-west-2"},
        {"Fn::Sub": "x${Key}"},
        {"Fn::GetStackOutput": {"StackName": "serverless-keys-prod", "Region": "us-west-2", "OutputName": "KeyArn"}},
        {"Fn::GetStackOutput": {"StackName": "serverless-keys-prod", "OutputName": "Nothing"}},
    ],
)
def test_reference_to_a_missing_resource_is_none(value: Any) -> None:  # noqa: ANN401
    assert named(value, KEYS, WORLD) is None


def test_a_circle_of_exports_is_unresolved() -> None:
    with pytest.raises(UnresolvedError, match="without end"):
        follow({"Fn::ImportValue": "round"}, KEYS, WORLD)


def test_conditional_resource_exists_with_the_same_condition_only() -> None:
    queue, maybe, too = (resource_of(EAST, name) for name in ("Queue", "Maybe", "MaybeToo"))
    assert queue
    assert maybe
    assert too

    assert is_there_with(queue, maybe)
    assert is_there_with(maybe, too)
    assert not is_there_with(maybe, queue)


def test_resources_are_found_by_type_and_region() -> None:
    assert [resource.logical_id for resource in of_type(WORLD, "AWS::SQS::Queue")] == ["Queue", "Maybe", "MaybeToo"]
    assert not list(of_type(WORLD, "AWS::SQS::Queue", region="us-west-2"))


def test_every_value_is_seen() -> None:
    assert list(values_in({"a": [1, {"b": 2}]})) == [{"a": [1, {"b": 2}]}, [1, {"b": 2}], 1, {"b": 2}, 2]
