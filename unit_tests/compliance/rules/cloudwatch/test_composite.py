"""ActivePassive-CloudWatchComposite."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CloudWatchComposite"
ARN = {"Fn::GetAtt": ["Known", "Arn"]}


def _join(*parts: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Fn::Join": ["", list(parts)]}


def _says(rule: Any, **others: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", *_templates(rule, **others))


def _templates(rule: Any, **others: Any) -> Any:  # noqa: ANN401
    here = {
        "It": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": "it", "AlarmRule": rule, **others}},
        "Known": alarm(AlarmName="known"),
        "Sometimes": {**alarm(AlarmName="sometimes"), "Condition": "C"},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
    }
    return template(here, WEST), template({"There": alarm(AlarmName="there")}, EAST)


@pytest.mark.parametrize(
    "rule",
    [
        _join('ALARM("', ARN, '")'),
        _join('(ALARM("', ARN, "\") OR INSUFFICIENT_DATA(known)) AND NOT OK('known')"),
        "OK(known) AND NOT OK(known) OR ALARM(known)",
        'ALARM("known")',
        "ALARM( known )",
        "ALARM(arn:aws:cloudwatch:us-west-2:000000000000:alarm:known)",
        {"Fn::Sub": "ALARM(arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:known)"},
        {"Fn::Sub": "ALARM(${Known.Arn}) AND ALARM(${Known})"},
    ],
)
def test_alarms_of_its_own_template_pass(rule: Any) -> None:  # noqa: ANN401
    assert _says(rule) is PASS


@pytest.mark.parametrize(
    "rule",
    [
        {"Ref": "AWS::NoValue"},
        "TRUE",
        'ALARM("nobody")',
        'ALARM("known") OR ALARM("nobody")',
        'ALARM("there")',
        "ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:known)",
        "ALARM(it)",
        _join("ALARM(", {"Ref": "Topic"}, ")"),
        _join("ALARM(", {"Fn::GetAtt": ["It", "Arn"]}, ")"),
        either('ALARM("known")', 'ALARM("nobody")'),
        "NOT ALARM(known)",
        "NOT (ALARM(known) OR INSUFFICIENT_DATA(known))",
        "ALARM(known) OR OK(known)",
        "ALARM(known) OR TRUE",
    ],
)
def test_alarm_that_is_not_there_fails(rule: Any) -> None:  # noqa: ANN401
    assert _says(rule) is FAIL


def test_missing_alarm_is_reported() -> None:
    assert "refers to nobody" in message_in(RULE, "It", *_templates("ALARM(nobody)"))


def test_suppressor_must_be_there_too() -> None:
    assert _says("ALARM(known)", ActionsSuppressor={"Ref": "Known"}) is PASS
    assert _says("ALARM(known)", ActionsSuppressor="nobody") is FAIL


@pytest.mark.parametrize(
    "rule",
    [
        UNKNOWN,
        _join("ALARM(", UNKNOWN, ")"),
        _join("ALARM(serverless-", UNKNOWN, ")"),
        "ALARM(sometimes)",
        _join("ALARM(", {"Fn::ImportValue": "x"}, ")"),
    ],
)
def test_unresolved_value_is_not_evaluated(rule: Any) -> None:  # noqa: ANN401
    assert _says(rule) is NOT_EVALUATED


@pytest.mark.parametrize(
    "rule", ["ALARM(known) XOR ALARM(known)", "ALARM(known) == TRUE", "(ALARM(known)", "f(ALARM(known))"]
)
def test_rule_that_cannot_be_read_is_not_evaluated(rule: str) -> None:
    assert _says(rule) is NOT_EVALUATED
