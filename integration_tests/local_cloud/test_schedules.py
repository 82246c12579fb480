"""Test EventBridge rules and the clock: functions run on time and with permission, in no region that is down or stalled."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.conftest import FACTOR, MINUTE
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, deploy, function, role, until, values
from integration_tests.local_cloud.test_functions import depth
from integration_tests.local_cloud.test_monitoring import alarm, put, state
from local_cloud import LocalCloud, LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Iterator


TELLS = """
    import boto3, json, os, time
    def handler(event, context):
        sqs = boto3.client("sqs")
        sqs.send_message(QueueUrl=os.environ["RAN"], MessageBody=json.dumps(event))
        time.sleep(float(os.environ["SECONDS"]))
        if os.environ["FAILS"]:
            raise RuntimeError("as asked")
"""


@pytest.fixture
def quick(fast: LocalCloud) -> Iterator[LocalCloud]:
    """The fast cloud; changes of its regions are undone after each test."""
    yield fast
    for region in (EAST, WEST):
        fast.region_up(region)
        fast.region_unstall(region)


def scheduled(*, admitted: bool = True, dead: bool = True, seconds: float = 0, fails: str = "") -> dict[str, Any]:
    """A function that a rule runs every minute; its queue of runs, and a queue for undeliverable events."""
    rule_arn = cfn.att("Rule")
    send = cfn.admit("events.amazonaws.com", "sqs:SendMessage", Condition={"ArnEquals": {"aws:SourceArn": rule_arn}})
    target: dict[str, Any] = {"Id": "0", "Arn": cfn.att("Function")}
    resources: dict[str, Any] = {
        "Ran": cfn.resource("SQS::Queue"),
        "Dead": cfn.resource("SQS::Queue"),
        "Failed": cfn.resource("SQS::Queue"),
        "Role": role("lambda.amazonaws.com", allow("sqs:SendMessage")),
        "Function": function(
            TELLS,
            "Role",
            ReservedConcurrentExecutions=1,
            variables={"RAN": cfn.ref("Ran"), "SECONDS": str(seconds), "FAILS": fails},
        ),
        "Asynchronous": cfn.resource(
            "Lambda::EventInvokeConfig",
            FunctionName=cfn.ref("Function"),
            Qualifier="$LATEST",
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": cfn.att("Failed")}},
        ),
        "Rule": cfn.resource(
            "Events::Rule",
            ScheduleExpression="rate(1 minute)",
            Targets=[{**target, "DeadLetterConfig": {"Arn": cfn.att("Dead")}}],
        ),
    }
    if dead:
        resources["Policy"] = cfn.queue_policy("Dead", send)
    if admitted:
        resources["Permission"] = cfn.resource(
            "Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName=cfn.ref("Function"),
            Principal="events.amazonaws.com",
            SourceArn=rule_arn,
        )
    return resources


def counted(stack: Stack, metric: str) -> float:
    return sum(values(stack.client("cloudwatch"), "AWS/Events", metric, "Sum", RuleName=stack["Rule"]))


def test_rule_runs_its_function_at_its_rate_with_its_event(quick: LocalCloud) -> None:
    began = time.monotonic()
    stack = deploy(quick, scheduled(), region=WEST)
    assert until(lambda: depth(stack, "Ran") == 3)
    assert time.monotonic() - began > 2 * MINUTE
    (message,) = stack.client("sqs").receive_message(QueueUrl=stack["Ran"])["Messages"][:1]
    event = json.loads(message["Body"])
    arn = stack.client("events").describe_rule(Name=stack["Rule"])["Arn"]
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.events", "Scheduled Event", [arn])
    assert event["region"] == WEST
    assert counted(stack, "Invocations") >= 3
    stack.client("events").disable_rule(Name=stack["Rule"])
    until(lambda: False, seconds=0.5)
    ran = depth(stack, "Ran")
    assert not until(lambda: depth(stack, "Ran") > ran, seconds=2 * MINUTE)
    stack.delete()


def test_rule_that_may_not_invoke_its_function_fills_the_dead_letters(quick: LocalCloud) -> None:
    stack = deploy(quick, scheduled(admitted=False))
    assert until(lambda: depth(stack, "Dead"))
    message = stack.client("sqs").receive_message(QueueUrl=stack["Dead"], MessageAttributeNames=["All"])["Messages"][0]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert attributes["RULE_ARN"].endswith(stack["Rule"])
    assert depth(stack, "Ran") == 0
    assert counted(stack, "FailedInvocations") >= 1
    stack.update(scheduled())
    assert until(lambda: depth(stack, "Ran"))
    stack.delete()


def test_dead_letter_queue_without_permission_gets_no_event(quick: LocalCloud) -> None:
    stack = deploy(quick, scheduled(admitted=False, dead=False))
    assert until(lambda: counted(stack, "FailedInvocations"))
    assert not until(lambda: depth(stack, "Dead"), seconds=1)
    stack.delete()


def test_run_without_concurrency_waits_and_does_not_fail(quick: LocalCloud) -> None:
    # One is waiting for most of the time.
    stack = deploy(quick, scheduled(seconds=1.7 * MINUTE))
    assert until(lambda: depth(stack, "Ran") == 6, seconds=60)
    assert depth(stack, "Failed") == 0
    stack.delete()


def test_runs_that_take_longer_than_the_rate_do_not_pile_up(quick: LocalCloud) -> None:
    stack = deploy(quick, scheduled(seconds=2 * MINUTE))
    assert until(lambda: depth(stack, "Ran") == 3, seconds=60)
    stack.client("events").disable_rule(Name=stack["Rule"])
    # One may be waiting.
    assert not until(lambda: depth(stack, "Ran") > 4, seconds=7 * MINUTE)
    stack.delete()


def test_failed_run_goes_to_the_on_failure_destination(quick: LocalCloud) -> None:
    stack = deploy(quick, scheduled(fails="yes"))
    assert until(lambda: depth(stack, "Failed"))
    assert depth(stack, "Dead") == 0
    stack.delete()


@pytest.mark.parametrize(("out", "back"), [("region_down", "region_up"), ("region_stall", "region_unstall")])
def test_region_that_is_down_skips_scheduled_events(quick: LocalCloud, out: str, back: str) -> None:
    stack = deploy(quick, scheduled(), region=WEST)
    other = deploy(quick, scheduled(), region=EAST)
    assert until(lambda: depth(stack, "Ran"))
    getattr(quick, out)(WEST)
    elsewhere = depth(other, "Ran")
    assert until(lambda: depth(other, "Ran") >= elsewhere + 3)
    getattr(quick, back)(WEST)
    # What was under way when it went may end now.
    assert depth(stack, "Ran") <= 3
    assert until(lambda: depth(stack, "Ran") >= 4)
    stack.delete()
    other.delete()


def test_clock_reports_its_factor(fast: LocalCloud, cloud: LocalCloud) -> None:
    assert fast.health()["time_factor"] == FACTOR
    assert cloud.health()["time_factor"] == 1


@pytest.mark.parametrize("factor", [0.5, 0, -1, 101, float("nan"), float("inf")])
def test_factor_out_of_range_is_refused(factor: float) -> None:
    with pytest.raises(LocalCloudError, match="must be from 1 to 100"):
        LocalCloud.start(time_factor=factor)


def test_alarm_periods_are_shorter(fast: LocalCloud, cloud: LocalCloud) -> None:
    resources = {"Alarm": alarm(Namespace="Test", MetricName="Soon", TreatMissingData="notBreaching")}
    quick, slow = deploy(fast, resources), deploy(cloud, resources)
    began = time.monotonic()
    for stack in (quick, slow):
        put(stack, "Soon", 5)
    for stack in (quick, slow):
        assert until(lambda stack=stack: state(stack, "Alarm") == "ALARM")  # type: ignore[misc]
    assert until(lambda: state(quick, "Alarm") == "OK")
    assert time.monotonic() - began > MINUTE
    assert state(slow, "Alarm") == "ALARM"


def test_metric_data_periods_are_shorter(fast: LocalCloud, cloud: LocalCloud) -> None:
    now = dt.datetime.now(dt.UTC).replace(second=30, microsecond=0) - dt.timedelta(minutes=1)
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "T", "MetricName": "Fell"}, "Period": 60, "Stat": "Maximum"}}
    for one, expected in ((fast, [1, 9]), (cloud, [9])):
        client = one.client("cloudwatch", WEST)
        for seconds, value in ((0, 9), (MINUTE, 1)):
            point = {"MetricName": "Fell", "Value": value, "Timestamp": now + dt.timedelta(seconds=seconds)}
            client.put_metric_data(Namespace="T", MetricData=[point])
        window = {"StartTime": now - dt.timedelta(minutes=1), "EndTime": now + dt.timedelta(minutes=1)}
        (result,) = client.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
        assert result["Values"] == expected


def test_alarm_that_ignores_missing_data_keeps_its_state(fast: LocalCloud) -> None:
    stack = deploy(fast, {"Alarm": alarm(Namespace="Test", MetricName="Kept", TreatMissingData="ignore")})
    for value, expected in ((1, "ALARM"), (0, "OK"), (1, "ALARM")):
        put(stack, "Kept", value)
        assert until(lambda expected=expected: state(stack, "Alarm") == expected)  # type: ignore[misc]
        until(lambda: False, seconds=2 * MINUTE)
        assert state(stack, "Alarm") == expected
