"""ActivePassive-Route53HealthSilence."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.clocks import clock
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import Resources, alarm, alarm_check, changed_pair, world
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53HealthSilence"
NAME = "serverless-peer-prod"
VARIABLES = {"POWERTOOLS_METRICS_NAMESPACE": "Lockstep", "POWERTOOLS_SERVICE_NAME": "observer"}
DIMENSIONS = [{"Name": "service", "Value": "observer"}, {"Name": "environment", "Value": "prod"}]


def observer(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a function that publishes by Powertools."""
    properties = {"FunctionName": "serverless-observer-prod", "Environment": {"Variables": VARIABLES}, **changes}
    return {"Type": "AWS::Lambda::Function", "Properties": {k: v for k, v in properties.items() if v is not None}}


def schedule(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a schedule of EventBridge Scheduler that runs it every minute."""
    target = {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}, "RoleArn": "arn:aws:iam::111122223333:role/x"}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"ScheduleExpression": "rate(1 minutes)", "Target": target, **changes},
    }


def _found(silence: Any = "LastKnownStatus", **west: Any) -> tuple[Verdict | None, str]:  # noqa: ANN401
    check = alarm_check(NAME, WEST)
    if silence is not None:
        check["Properties"]["HealthCheckConfig"]["InsufficientDataHealthStatus"] = silence
    resources: Resources = {"Alarm": alarm(Dimensions=DIMENSIONS), "Function": observer(), "Clock": clock(), **west}
    there = {name: resource for name, resource in resources.items() if resource is not None}
    found = world(changed_pair(FirstCheck=check), west=there)
    verdict = verdict_in(RULE, "FirstCheck", *found)
    return verdict, message_in(RULE, "FirstCheck", *found) if verdict else ""


@pytest.mark.parametrize("silence", ["LastKnownStatus", None, either("LastKnownStatus", "Healthy")])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Clock": schedule()},
        {"Clock": clock(ScheduleExpression="rate(3 minutes)")},
        {"Clock": clock(ScheduleExpression="cron(* * * * ? *)")},
        {"Clock": clock(ScheduleExpression="cron(0/2 * * * ? *)")},
        {"Clock": clock(ScheduleExpression=either("rate(1 minute)", "rate(2 minutes)"))},
        {"Clock": clock(State=None)},
        {"Alarm": alarm(Dimensions=DIMENSIONS, Period=300), "Clock": clock(ScheduleExpression="rate(10 minutes)")},
        {
            "Alarm": alarm(Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": {"Ref": "Function"}}]),
            "Function": observer(Environment=None),
        },
        {"Slow": clock(ScheduleExpression="rate(1 day)")},
    ],
)
def test_metric_that_a_function_publishes_on_a_schedule_passes(silence: Any, changes: dict[str, Any]) -> None:  # noqa: ANN401
    assert _found(silence, **changes) == (PASS, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Function": None, "Clock": None}, "no function in us-west-2 is seen to publish"),
        ({"Alarm": alarm()}, "no function in us-west-2 is seen to publish"),
        ({"Alarm": alarm(Dimensions=DIMENSIONS, Namespace="Other")}, "Other PeerHealthy, which no function"),
        ({"Function": observer(Environment=None)}, "no function in us-west-2 is seen to publish"),
        ({"Function": observer(Environment=either({"Variables": VARIABLES}, {}))}, "is seen to publish"),
        (
            {"Function": observer(Environment={"Variables": {**VARIABLES, "POWERTOOLS_SERVICE_NAME": "x"}})},
            "is seen to publish",
        ),
        ({"Alarm": alarm(Namespace="AWS/S3", Dimensions=[{"Name": "BucketName", "Value": "x"}])}, "AWS/S3 PeerHealthy"),
        ({"Clock": None}, "no enabled schedule runs that function"),
        ({"Clock": clock(State="DISABLED")}, "no enabled schedule runs that function"),
        ({"Clock": clock(State=either("ENABLED", "DISABLED"))}, "no enabled schedule runs that function"),
        ({"Clock": schedule(State="DISABLED")}, "no enabled schedule runs that function"),
        ({"Clock": clock(ScheduleExpression=None, EventPattern={"source": ["x"]})}, "no enabled schedule runs"),
        ({"Clock": clock(Targets=[])}, "no enabled schedule runs that function"),
        ({"Clock": {**clock(), "Condition": "Sometimes"}}, "no enabled schedule runs that function"),
        ({"Clock": clock(ScheduleExpression="cron(0 12 * * ? *)")}, "no enabled schedule runs that function"),
        ({"Clock": clock(ScheduleExpression="rate(4 minutes)")}, "every 240 seconds; the alarm looks back 180 seconds"),
        ({"Clock": clock(ScheduleExpression="rate(1 day)")}, "every 86400 seconds"),
        ({"Clock": clock(ScheduleExpression=either("rate(1 minute)", "rate(1 hour)"))}, "every 3600 seconds"),
        ({"Alarm": alarm(Dimensions=DIMENSIONS, Period=either(60, 10)), "Clock": clock()}, "looks back 30 seconds"),
    ],
)
def test_metric_that_may_fall_silent_for_hours_fails(changes: dict[str, Any], message: str) -> None:
    verdict, found = _found(**changes)
    assert verdict is FAIL
    assert message in found


def test_function_of_another_region_publishes_elsewhere() -> None:
    check = alarm_check(NAME, WEST)
    west = {"Alarm": alarm(Dimensions=DIMENSIONS)}
    found = world(changed_pair(FirstCheck=check), east={"Function": observer(), "Clock": clock()}, west=west)
    assert verdict_in(RULE, "FirstCheck", *found) is FAIL


@pytest.mark.parametrize("silence", ["Healthy", "Unhealthy"])
def test_check_that_decides_by_itself_in_silence_is_not_judged(silence: str) -> None:
    assert _found(silence, Function=None, Clock=None)[0] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Clock": clock(ScheduleExpression=UNKNOWN)},
        {"Clock": clock(State=UNKNOWN)},
        {"Alarm": alarm(Dimensions=DIMENSIONS, Namespace=UNKNOWN)},
        {"Alarm": None},
    ],
)
def test_unresolved_value_is_not_evaluated(changes: dict[str, Any]) -> None:
    assert _found(**changes)[0] is NOT_EVALUATED
