"""ActivePassive-SecretsManagerRotation."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST, alone, function, rotation, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says, verdict_in

RULE = "ActivePassive-SecretsManagerRotation"
RULES = "RotationRules"


def _with(schedule: Resource, **others: Resource) -> Verdict | None:
    return verdict_in(RULE, "It", alone({"It": secret(), "Schedule": schedule, **others}))


def test_schedule_in_its_region_passes_by_any_name_of_the_secret() -> None:
    assert _with(rotation()) is PASS
    assert _with(rotation({"Ref": "It"})) is PASS
    assert verdict_in(RULE, "It", alone({"It": secret()}), template({"Schedule": rotation()})) is PASS
    attachment = {"Type": "AWS::SecretsManager::SecretTargetAttachment", "Properties": {"SecretId": {"Ref": "It"}}}
    assert _with(rotation({"Ref": "Attachment"}), Attachment=attachment) is PASS


@pytest.mark.parametrize("rules", [{"ScheduleExpression": "rate(30 days)"}, {"ScheduleExpression": "rate(4 hours)"}])
def test_rate_is_read(rules: dict[str, str]) -> None:
    assert _with(changed(rotation(), RULES, to=rules)) is PASS


def test_no_schedule_fails() -> None:
    assert says(RULE, secret()) is FAIL
    assert _with(rotation("serverless-other-prod")) is FAIL


def test_schedule_in_the_region_of_the_replica_fails() -> None:
    assert verdict_in(RULE, "It", alone({"It": secret()}), template({"Schedule": rotation()}, WEST)) is FAIL


@pytest.mark.parametrize(
    "broken",
    [
        without(rotation(), "RotationLambdaARN"),
        without(rotation(), RULES),
        changed(rotation(), RULES, to={}),
        changed(rotation(), RULES, "AutomaticallyAfterDays", to=91),
        changed(rotation(), RULES, "AutomaticallyAfterDays", to=either(30, 365)),
        changed(rotation(), RULES, to={"ScheduleExpression": "rate(100 days)"}),
        changed(rotation(), "SecretId", to=either({"Ref": "It"}, "serverless-other-prod")),
        {**rotation(), "Condition": "InProd"},
        without(rotation(), "SecretId"),
    ],
)
def test_schedule_that_does_not_rotate_fails(broken: Resource) -> None:
    assert _with(broken) is FAIL


def test_schedule_on_the_condition_of_its_secret_counts() -> None:
    conditional: dict[str, Any] = {"It": {**secret(), "Condition": "C"}, "Schedule": {**rotation(), "Condition": "C"}}
    assert verdict_in(RULE, "It", alone(conditional)) is PASS


def test_function_that_secrets_manager_may_not_invoke_fails() -> None:
    permission: dict[str, Any] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Function"},
            "Principal": "secretsmanager.amazonaws.com",
        },
    }
    assert _with(rotation(), Function=function(), Permission=permission) is PASS
    assert _with(rotation(), Function=function()) is FAIL
    assert _with(rotation(), Function=function(), Permission=changed(permission, "Principal", to="s3.amazonaws.com")) is FAIL
    others = changed(permission, "FunctionName", to={"Ref": "Other"})
    assert _with(rotation(), Function=function(), Other=function("other"), Permission=others) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    for place in ((RULES,), (RULES, "AutomaticallyAfterDays")):
        assert _with(changed(rotation(), *place, to=UNKNOWN)) is NOT_EVALUATED
    cron = changed(rotation(), RULES, to={"ScheduleExpression": "cron(0 0 1 * ? *)"})
    assert _with(cron) is NOT_EVALUATED
    assert _with(rotation(UNKNOWN)) is NOT_EVALUATED


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (rotation(), NOT_EVALUATED),  # a function that is in no template
        (changed(rotation(), "RotationLambdaARN", to="serverless-processor-prod"), PASS),
        (changed(rotation(), "RotationLambdaARN", to="arn:aws:lambda:us-east-1:999999999999:function:x"), FAIL),
        (changed(rotation(), RULES, "AutomaticallyAfterDays", to=2560), FAIL),
    ],
)
def test_schedule_is_judged_alone(schedule: Resource, expected: Verdict) -> None:
    permission = {"Principal": "secretsmanager.amazonaws.com", "FunctionName": "serverless-processor-prod"}
    others = {"F": function(), "Permission": {"Type": "AWS::Lambda::Permission", "Properties": permission}}
    assert verdict_in(RULE, "Schedule", alone({"Schedule": schedule, **others})) is expected
