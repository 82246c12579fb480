"""Conditions: which can hold together, and what is deployed under them."""

from typing import Any

import pytest

from compliance.cfn.branches import branches as variants
from compliance.cfn.conditions import MAXIMUM_CHOICES, choices, deployed, scenarios
from compliance.cfn.reading import branches
from compliance.cfn.templates import Template, TemplateSet
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, dead_letter_alarm, dead_letter_queue, queue
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS

PROD = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
DEV = {"Fn::Equals": ["dev", {"Ref": "Stage"}]}
NEVER = {"Fn::Equals": ["a", "b"]}
STAGE = {"Stage": {"Type": "String", "Default": "prod"}}


def made(conditions: Any, resources: Any = None, parameters: Any = None, region: str = EAST) -> Template:  # noqa: ANN401
    body = {"Conditions": conditions, "Parameters": parameters or STAGE, "Resources": resources or {}}
    return Template(name="t", body=body, region=region)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"Never": NEVER}, {(False,)}),
        ({"Prod": PROD}, {(True,), (False,)}),
        ({"Prod": PROD, "Dev": DEV}, {(True, False), (False, True), (False, False)}),
        ({"Prod": PROD, "Other": {"Fn::Not": [{"Condition": "Prod"}]}}, {(True, False), (False, True)}),
        ({"Prod": PROD, "Both": {"Fn::And": [{"Condition": "Prod"}, DEV]}}, {(True, False), (False, False)}),
        ({"East": {"Fn::Equals": [{"Ref": "AWS::Region"}, EAST]}}, {(True,)}),
        ({"Unread": {"Fn::Equals": "x"}}, {(True,), (False,)}),
        ({"Loop": {"Condition": "Loop"}}, {(True,), (False,)}),
        ({"Found": {"Fn::Equals": [{"Fn::FindInMap": ["A", "B", "C"]}, "x"]}}, {(True,), (False,)}),
    ],
)
def test_conditions_have_the_values_that_parameters_lead_to(conditions: Any, expected: Any) -> None:  # noqa: ANN401
    assert {tuple(choice.values()) for choice in choices(made(conditions))} == expected


def test_allowed_values_bound_a_parameter() -> None:
    parameters = {"Stage": {"Type": "String", "AllowedValues": ["prod", "test", "beta"]}}
    assert {tuple(each.values()) for each in choices(made({"Dev": DEV}, parameters=parameters))} == {(False,)}
    many = {"Stage": {"Type": "String", "AllowedValues": [f"v{number}" for number in range(258)]}}
    assert len(choices(made({"Dev": DEV}, parameters=many))) == 1


def test_too_many_combinations_count_as_independent() -> None:
    conditions = {f"C{number}": {"Fn::Equals": [{"Ref": f"P{number}"}, "x"]} for number in range(13)}
    assert MAXIMUM_CHOICES < 2**13
    assert choices(made(conditions)) == ()


def test_resource_and_branches_that_are_never_deployed_are_left_out() -> None:
    value = {"Fn::If": ["Prod", "a", {"Fn::If": ["Never", "b", "c"]}]}
    resources = {
        "Gone": {"Type": "T", "Condition": "Never"},
        "Mine": {"Type": "T", "Condition": "Prod", "Properties": {"p": value}},
        "Other": {"Type": "T", "Properties": {"p": value}},
    }
    found = deployed(made({"Prod": PROD, "Never": NEVER}, resources)).body["Resources"]

    assert set(found) == {"Mine", "Other"}
    assert found["Mine"]["Properties"] == {"p": "a"}
    assert found["Other"]["Properties"] == {"p": {"Fn::If": ["Prod", "a", "c"]}}


def test_condition_with_the_name_of_an_argument_is_read() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Condition": "template"}
    conditional = made({"template": PROD}, {"Alarm": alarm, "Other": {"Type": "AWS::CloudWatch::Alarm"}})
    ((name, without),) = scenarios(TemplateSet(templates=(conditional,), environment="prod"))
    assert (name, list(without.templates[0].body["Resources"])) == ("template", ["Other"])


def test_exclusive_conditions_have_no_common_branch() -> None:
    value = {"one": {"Fn::If": ["Prod", 1, 2]}, "two": {"Fn::If": ["Dev", 3, 4]}}
    of = made({"Prod": PROD, "Dev": DEV}, {"R": {"Type": "T", "Properties": value}})

    assert {"one": 1, "two": 3} in list(branches(value))
    assert {"one": 1, "two": 3} not in list(branches(value, of))
    shown = [variant.body["Resources"]["R"]["Properties"] for variant in variants(of)]
    assert {"one": 1, "two": 3} not in shown
    assert {(1, 4), (2, 3)} <= {tuple(each.values()) for each in shown}


def verdict(condition: Any, *, on: str = "Alarm") -> Any:  # noqa: ANN401
    """Return the verdict on a dead-letter queue whose alarm, or that itself, is there on a condition."""
    resources = {"Queue": queue(), "Dead": dead_letter_queue(), "Alarm": dead_letter_alarm()}
    resources[on] = {**resources[on], "Condition": "Sometimes"}
    stack = template(resources, WEST)
    stack.body.update(Conditions={"Sometimes": condition}, Parameters=STAGE)
    rows = [row for row in ask("ActivePassive-SQSAlarm", stack) if row.logical_id == "Dead"]
    return rows[0].verdict if rows else None


def test_what_is_there_on_a_condition_does_not_count_without_it() -> None:
    assert verdict({"Fn::Not": [NEVER]}) is PASS
    assert verdict(NEVER) is FAIL
    assert verdict(PROD) in {FAIL, NOT_EVALUATED}
    assert verdict(NEVER, on="Dead") is None


def test_presence_without_a_condition_is_reported_with_its_name() -> None:
    stack = template({"Queue": queue(), "Dead": dead_letter_queue()}, WEST)
    stack.body["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic", "Condition": "Sometimes", "Properties": {}}
    stack.body.update(Conditions={"Sometimes": PROD}, Parameters=STAGE)

    assert {row.verdict for row in ask("ActivePassive-SQSBacklog", stack)} == {PASS}
