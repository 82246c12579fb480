"""The comparison of two regions ignores only the differences that must exist."""

from typing import Any

import pytest

from compliance.cfn.symmetry import Difference, counterpart, differences, path_of, twins
from compliance.cfn.templates import Resource, Template, TemplateSet

STACK = "serverless-regional-prod"


def _template(name: str, region: str, resources: dict[str, Any], paths: dict[str, str] | None = None) -> Template:
    return Template(name=name, region=region, stack_name=STACK, body={"Resources": resources}, paths=paths or {})


def _pair(one: Any, other: Any) -> tuple[Resource, Resource]:  # noqa: ANN401 - any JSON
    """A resource `It` of both regions with a property each, beside a queue whose logical id is not the same."""

    def side(name: str, region: str, queue: str, value: Any) -> Resource:  # noqa: ANN401 - any JSON
        resources = {"It": {"Type": "A::B::C", "Properties": {"P": value}}, queue: {"Type": "AWS::SQS::Queue"}}
        template = _template(name, region, resources, {queue: f"{name}/Queue/Resource"})
        return template.resources[0]

    return side("Primary", "us-east-1", "QueueAAAA", one), side("Secondary", "us-west-2", "QueueBBBB", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("arn:aws:sqs:us-east-1:0:q", "arn:aws:sqs:us-west-2:0:q"),
        ("to us-west-2", "to us-east-1"),
        ("Primary/Vpc", "Secondary/Vpc"),
        ("from PrimaryNetworkFunctions2CE55838:443", "from SecondaryNetworkFunctions0AD3E11A:443"),
        ({"Ref": "QueueAAAA"}, {"Ref": "QueueBBBB"}),
        ({"Fn::GetAtt": ["QueueAAAA", "Arn"]}, {"Fn::GetAtt": ["QueueBBBB", "Arn"]}),
        ({"Fn::GetAtt": "QueueAAAA.Arn"}, {"Fn::GetAtt": ["QueueBBBB", "Arn"]}),
        ({"Fn::Sub": "x ${QueueAAAA.Arn} ${AWS::Region}"}, {"Fn::Sub": "x ${QueueBBBB.Arn} ${AWS::Region}"}),
        ({"Fn::Sub": ["${QueueAAAA} ${V}", {"V": "us-east-1"}]}, {"Fn::Sub": ["${QueueBBBB} ${V}", {"V": "us-west-2"}]}),
        (["pl-63a5400a", "pl-02cd2c6b", "pl-63a5400a"], ["pl-68a54001", "pl-00a54069", "pl-68a54001"]),
        ({"us-east-1": 1}, {"us-west-2": 1}),
        (
            {"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": ["arn:us-east-1", "arn:us-west-2"]},
            {"Effect": "Allow", "Action": ["a:C", "a:B"], "Resource": ["arn:us-east-1", "arn:us-west-2"]},
        ),
    ],
)
def test_required_differences_are_ignored(one: Any, other: Any) -> None:  # noqa: ANN401 - any JSON
    east, west = _pair(one, other)
    assert list(differences(east, west)) == []
    assert list(differences(west, east)) == []


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ("a", "b", "Properties.P"),
        (1, "1", "Properties.P"),
        (1, True, "Properties.P"),
        (0, False, "Properties.P"),
        ("arn:aws:sqs:us-east-1:0:q", "arn:aws:sqs:us-east-1:0:q", "Properties.P"),
        ([1, 2], [1], "Properties.P"),
        ([1, 2], [1, 3], "Properties.P.1"),
        ({"A": 1}, {}, "Properties.P.A"),
        ({}, {"A": None}, "Properties.P.A"),
        ({"A": {"B": 1}}, {"A": {"B": 2}}, "Properties.P.A.B"),
        ({"Ref": "QueueAAAA"}, {"Ref": "It"}, "Properties.P.Ref"),
        ({"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}, "Properties.P.Ref"),
        ({"Fn::GetAtt": ["QueueAAAA", "Arn"]}, {"Fn::GetAtt": ["QueueBBBB", "QueueName"]}, "Properties.P.Fn::GetAtt.1"),
        ({"Fn::Sub": "${QueueAAAA}"}, {"Fn::Sub": "${It}"}, "Properties.P.Fn::Sub"),
        (["pl-63a5400a", "pl-02cd2c6b"], ["pl-68a54001", "pl-68a54001"], "Properties.P.1"),
    ],
)
def test_other_differences_are_returned_with_their_place(one: Any, other: Any, place: str) -> None:  # noqa: ANN401 - any JSON
    east, west = _pair(one, other)
    assert [difference.place for difference in differences(east, west)] == [place]
    assert [difference.place for difference in differences(west, east)] == [place]


def test_difference_has_the_value_of_each_side() -> None:
    east, west = _pair({"A": 1}, {"A": 2})
    assert list(differences(east, west)) == [Difference("Properties.P.A", 1, 2)]


def test_policies_and_conditions_count_and_depends_on_does_not() -> None:
    east = _template("Primary", "us-east-1", {"It": {"Type": "A::B::C", "DependsOn": "X", "Metadata": {"m": 1}}}).resources[
        0
    ]
    for part, value in (("DeletionPolicy", "Retain"), ("Condition", "C"), ("UpdateReplacePolicy", "Delete")):
        west = _template("Secondary", "us-west-2", {"It": {"Type": "A::B::C", part: value}}).resources[0]
        assert [difference.place for difference in differences(east, west)] == [part]


def test_counterpart_is_the_same_construct_of_any_logical_id() -> None:
    one = _template(
        "Primary", "us-east-1", {"A": {"Type": "T"}, "B": {"Type": "T"}}, {"A": "Primary/Queue", "B": "Primary/Other"}
    )
    other = _template("Secondary", "us-west-2", {"C": {"Type": "T"}, "D": {"Type": "U"}}, {"C": "Secondary/Queue"})

    found = counterpart(one.resources[0], other)

    assert found is not None
    assert found.logical_id == "C"
    assert counterpart(one.resources[1], other) is None
    assert counterpart(other.resources[1], one) is None
    assert path_of(one.resources[0]) == "Queue"


def test_twins_are_stacks_of_one_name_in_other_known_regions() -> None:
    east, west = (
        _template(name, region, {"It": {"Type": "T"}}) for name, region in (("P", "us-east-1"), ("S", "us-west-2"))
    )
    nowhere = _template("N", "", {"It": {"Type": "T"}})
    other = Template(name="O", region="us-west-2", stack_name="serverless-data-prod", body={"Resources": {}})
    world = TemplateSet(templates=(east, west, nowhere, other), environment="prod")

    assert twins(east.resources[0], world) == [west]
    assert twins(nowhere.resources[0], world) == []
    assert twins(other.as_resource, world) == []
