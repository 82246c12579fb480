"""ActivePassive-CloudWatchAlarm."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-CloudWatchAlarm"
TOPIC = {"Ref": "Topic"}
HERE = "arn:aws:sns:us-west-2:000000000000:serverless-alarms-prod"
THERE = "arn:aws:sns:us-east-1:000000000000:serverless-alarms-prod"
OUTPUT = {"StackName": "serverless-regional-prod", "OutputName": "TopicArn"}


def _it(actions: Any, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return alarm(**{"TreatMissingData": "breaching", "AlarmActions": actions, **changes})


def _composite(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "TRUE", **properties}}


def _says(it: dict[str, Any]) -> Verdict | None:
    resources = {"It": it, "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "serverless-alarms-prod"}}}
    other = {
        "Resources": {"Topic": resources["Topic"]},
        "Outputs": {"TopicArn": {"Value": TOPIC, "Export": {"Name": "topic"}}},
    }
    east = template({}, EAST)
    east.body.update(other)
    return verdict_in(RULE, "It", template(resources, WEST), east)


@pytest.mark.parametrize(
    "it",
    [
        _it([TOPIC]),
        _it([HERE]),
        _it(HERE),
        _it([TOPIC], OKActions=[TOPIC], InsufficientDataActions=[HERE]),
        _it([{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:serverless-alarms-prod"}]),
        _it([{"Fn::ImportValue": "anything"}]),
        _it([{"Fn::GetStackOutput": OUTPUT}]),
        _it([TOPIC], TreatMissingData=either("ignore", "missing")),
        _it([TOPIC], ActionsEnabled=True),
        _composite(AlarmActions=[TOPIC]),
    ],
)
def test_alarm_that_acts_in_its_own_region_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _it(None),
        _it([]),
        _it([ABSENT]),
        _it(either([TOPIC], ABSENT)),
        _it(None, OKActions=[TOPIC]),
        _it([TOPIC], ActionsEnabled=False),
        _it([TOPIC], ActionsEnabled="false"),
        _it([THERE]),
        _it([TOPIC, THERE]),
        _it([TOPIC], OKActions=[THERE]),
        _it([TOPIC], InsufficientDataActions=[THERE]),
        _it([{"Fn::GetStackOutput": {**OUTPUT, "Region": EAST}}]),
        _it([TOPIC], TreatMissingData=None),
        _it([TOPIC], TreatMissingData="whatever"),
        _it([TOPIC], TreatMissingData=either("breaching", ABSENT)),
        _composite(),
        _composite(AlarmActions=[THERE]),
        _composite(AlarmActions=[TOPIC], ActionsEnabled=False),
    ],
)
def test_alarm_without_an_action_or_missing_data_setting_fails(it: dict[str, Any]) -> None:
    assert _says(it) is FAIL


def test_other_region_is_reported() -> None:
    text = message_in(RULE, "It", template({"It": _it([THERE])}, WEST))

    assert text == "AlarmActions acts in us-east-1, not in the alarm's own region us-west-2"


@pytest.mark.parametrize(
    "it",
    [
        _it(UNKNOWN),
        _it([UNKNOWN]),
        _it(["a-topic"]),
        _it(["arn:aws:sns:us-west-2:000000000000:a-topic-that-no-template-has"]),
        _it([{"Fn::GetStackOutput": {**OUTPUT, "Region": UNKNOWN}}]),
        _it([{"Fn::Sub": "arn:aws:sns:${Other}:${AWS::AccountId}:a"}]),
        _it([TOPIC], TreatMissingData=UNKNOWN),
        _it([TOPIC], ActionsEnabled=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(it: dict[str, Any]) -> None:
    assert _says(it) is NOT_EVALUATED


def test_unknown_region_counts_as_the_own_region() -> None:
    it = {"It": _it([TOPIC]), "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}

    assert verdict_in(RULE, "It", template(it, "", "")) is PASS
    undeclared = _it([{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:a"}])
    assert says(RULE, undeclared, "") is NOT_EVALUATED


def test_topic_of_another_account_fails() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": "arn:aws:kms:us-west-2:000000000000:alias/ours"}}
    stranger = _it(["arn:aws:sns:us-west-2:999999999999:serverless-alarms-prod"])

    text = message_in(RULE, "It", template({"It": stranger, "Queue": queue, "Other": queue}, WEST))

    assert text == "AlarmActions notifies a topic of account 999999999999, which is not the account of these templates"
