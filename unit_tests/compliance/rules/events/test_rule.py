"""ActivePassive-EventsRule."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.clocks import RULE_ARN, clock, key, permission, queue_policy, scheduled_function
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-EventsRule"
ARN = "arn:aws:events:us-west-2:000000000000:rule/serverless-observe-prod"
OTHER = "arn:aws:events:us-west-2:000000000000:rule/serverless-other-prod"


def _says(**changes: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "Clock", template(scheduled_function(**changes), WEST))


def _for_rule(arn: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"ArnEquals": {"aws:SourceArn": arn}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Clock": clock(State=None)},
        {"Clock": clock(ScheduleExpression=None, EventPattern={"source": ["aws.health"]})},
        {"Clock": clock(Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}])},
        {"Permission": permission(SourceArn=ARN)},
        {"Permission": permission(SourceArn=None)},
        {"Permission": permission(FunctionName="serverless-observer-prod")},
        {"DeadPolicy": queue_policy(Condition=_for_rule(ARN))},
        {"DeadPolicy": queue_policy(Condition={"ArnLike": {"aws:SourceArn": ARN.replace("observe-prod", "*")}})},
        {"DeadPolicy": queue_policy(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}})},
        {"DeadPolicy": queue_policy(Action="sqs:*")},
        {"Key": key("kms:*")},
    ],
)
def test_rule_that_may_do_what_it_is_for_passes(changes: dict[str, Any]) -> None:
    assert _says(**changes) is PASS


@pytest.mark.parametrize(
    "changes",
    [
        {"Clock": clock(State="DISABLED")},
        {"Clock": clock(State=either("ENABLED", "DISABLED"))},
        {"Clock": clock(Targets=[])},
        {"Clock": clock(Targets=None)},
        {"Permission": None},
        {"Permission": permission(Principal="s3.amazonaws.com")},
        {"Permission": permission(Principal=either("events.amazonaws.com", "s3.amazonaws.com"))},
        {"Permission": permission(SourceArn=OTHER)},
        {"Permission": permission(FunctionName="serverless-other-prod")},
        {"DeadPolicy": None},
        {"DeadPolicy": queue_policy(Principal={"Service": "s3.amazonaws.com"})},
        {"DeadPolicy": queue_policy(Action="sqs:ReceiveMessage")},
        {"DeadPolicy": queue_policy(Effect="Deny")},
        {"DeadPolicy": queue_policy(Condition=_for_rule(OTHER))},
        {"DeadPolicy": queue_policy(Condition={**_for_rule(RULE_ARN), "Bool": {"aws:MultiFactorAuthPresent": "true"}})},
        {"Key": key("kms:Decrypt")},
        {"Key": key("kms:GenerateDataKey")},
        {"Key": key("kms:Decrypt", "kms:GenerateDataKey", service="s3.amazonaws.com")},
    ],
)
def test_rule_that_is_off_or_may_not_do_it_fails(changes: dict[str, Any]) -> None:
    assert _says(**changes) is FAIL


def test_key_is_reported() -> None:
    text = message_in(RULE, "Clock", template(scheduled_function(Key=key("kms:Decrypt")), WEST))

    assert "does not let events.amazonaws.com do kms:GenerateDataKey" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"Clock": clock(State=UNKNOWN)},
        {"Clock": clock(Targets=UNKNOWN)},
        {"Key": None},
    ],
)
def test_unresolved_value_is_not_evaluated(changes: dict[str, Any]) -> None:
    assert _says(**changes) is NOT_EVALUATED


def test_queue_under_an_aws_managed_key_is_left_to_another_rule() -> None:
    dead = changed(scheduled_function()["Dead"], "KmsMasterKeyId", to="alias/aws/sqs")

    assert _says(Dead=dead, Key=None) is PASS
