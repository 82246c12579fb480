"""The rule that a system in several regions has each of its resources under every parameter."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.verdicts import FAIL, PASS

RULE = "ActivePassive-CrossRegionPresence"
ALARM = "AWS::CloudWatch::Alarm"
BY_PARAMETER = {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}
NEVER = {"Fn::Equals": ["a", "b"]}


def of(region: str, condition: Any, kind: str = ALARM) -> Template:  # noqa: ANN401 - any JSON
    """Return a region's template of an alarm on a condition, beside a topic on none."""
    made = template(
        {"It": {"Type": kind, "Properties": {}, "Condition": "Sometimes"}, "Topic": {"Type": "AWS::SNS::Topic"}}, region
    )
    made.body.update(Conditions={"Sometimes": condition}, Parameters={"Wanted": {"Type": "String", "Default": "yes"}})
    return made


def verdict(*templates: Template) -> Verdict | None:
    """Return the worst verdict of the rule on the templates; None where it does not apply."""
    found = {row.verdict for row in ask(RULE, *templates)}
    return max(found, key=lambda each: each is FAIL) if found else None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (BY_PARAMETER, FAIL),
        ({"Fn::Not": [BY_PARAMETER]}, FAIL),
        ({"Fn::Equals": [{"Ref": "AWS::StackName"}, "it"]}, FAIL),
        ({"Fn::Or": [NEVER, BY_PARAMETER]}, FAIL),
        ({"Fn::Equals": ["{{resolve:ssm:wanted}}", "yes"]}, FAIL),
        (NEVER, FAIL),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}, FAIL),
        ({"Fn::Not": [NEVER]}, PASS),
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, EAST]}, PASS),  # CrossRegionSymmetry reports it
    ],
)
def test_condition_on_a_resource_passes_only_where_a_region_has_it(condition: Any, expected: Verdict) -> None:  # noqa: ANN401
    assert verdict(of(EAST, condition), of(WEST, condition)) is expected


def test_system_of_one_region_may_have_conditions() -> None:
    assert verdict(of(EAST, NEVER)) is None


def test_count_of_the_cdks_constructs_may_be_left_out_of_all_regions() -> None:
    assert verdict(*(of(region, NEVER, "AWS::CDK::Metadata") for region in (EAST, WEST))) is PASS


def test_message_names_the_resource_and_its_condition() -> None:
    stack = template(
        {"Record": {"Type": ALARM, "Properties": {}, "Condition": "Sometimes"}, "Topic": {"Type": "AWS::SNS::Topic"}},
        WEST,
        "failover",
    )
    stack.body["Conditions"] = {"Sometimes": NEVER}
    texts = {row.message for row in ask(RULE, template({}, EAST, "other"), stack)}

    assert texts == {"", "us-west-2/Record is deployed in no region, because its condition Sometimes is always false"}
