"""The rules about SQS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    dead_letter_alarm,
    dead_letter_queue,
    function,
    mapping,
    pipeline,
    queue,
)
from unit_tests.compliance.rules.corruptions import (
    Resource,
    changed,
    conditional,
    each,
    either,
    lacking,
    unknown,
    without,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, on, reports, rule_test, verdict_in

WORK, DEAD, ALARM = queue(), dead_letter_queue(), dead_letter_alarm()
QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
SQS = "arn:aws:sqs:us-east-1:000000000000"
DENIED = changed(DEAD, "RedriveAllowPolicy", to={"redrivePermission": "denyAll"})


def beside(**changes: Resource) -> Template:
    return alone({**pipeline(), **changes})


def lone(*names: str, **changes: Resource) -> Template:
    """Return some resources of the pipeline, and others."""
    return alone({**{name: pipeline()[name] for name in names}, **changes})


def as_query(alarm: Resource) -> Resource:
    properties = alarm["Properties"]
    metric = {name: properties[name] for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Stat": "Maximum", "Period": 60}
    kept = {name: value for name, value in properties.items() if name not in {*metric, "Statistic", "Period"}}
    return {**alarm, "Properties": {**kept, "Metrics": [{"Id": "m", "MetricStat": stat}]}}


BY_REFERENCE = dead_letter_alarm({"Fn::GetAtt": ["Dead", "QueueName"]})
SILENT = lone("Queue", "Dead", "Function", "Mapping")

test_alarm = rule_test(
    "ActivePassive-SQSAlarm",
    lambda alarm: {**pipeline(), "Alarm": alarm},
    of="Dead",
    region=EAST,
    passes=[
        *(ALARM, as_query(ALARM), BY_REFERENCE, as_query(BY_REFERENCE)),
        changed(changed(ALARM, "Threshold", to=0), "ComparisonOperator", to="GreaterThanThreshold"),
        beside(Bad=changed(ALARM, "Threshold", to=100)),  # a second alarm is enough
    ],
    fails=[
        dead_letter_alarm("serverless-ingest-prod"),
        *each(ALARM, "Statistic", "Minimum"),
        *each(ALARM, "Threshold", 2, 0, either(1, 100)),
        *each(ALARM, "ComparisonOperator", "GreaterThanThreshold", "LessThanThreshold"),
        *each(ALARM, "Period", 3600),
        *each(ALARM, "EvaluationPeriods", 60),
        *each(ALARM, "ActionsEnabled", False),
        *lacking(ALARM, "Threshold"),
        reports("us-east-1/Alarm notifies nobody: it has no AlarmActions", without(ALARM, "AlarmActions")),
        conditional(ALARM),
        (SILENT, alone({"Alarm": ALARM}, WEST)),
    ],
    unresolved=[
        *unknown(ALARM, "Threshold Period AlarmActions ActionsEnabled Dimensions"),
        dead_letter_alarm({"Ref": "AParameter"}),
    ],
    ignored=[on("Queue", beside())],
)

WEST_ARN = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-dlq-prod"

test_dead_letters = rule_test(
    "ActivePassive-SQSDeadLetters",
    lambda work: {**pipeline(), "Queue": work},
    of="Queue",
    region=EAST,
    passes=[
        *each(WORK, "RedrivePolicy.maxReceiveCount", "5"),
        # Two receives are enough where no function reads the queue.
        lone("Dead", "Alarm", "Function", Queue=changed(WORK, "RedrivePolicy", "maxReceiveCount", to=2)),
    ],
    fails=[
        *lacking(WORK, "RedrivePolicy RedrivePolicy.deadLetterTargetArn RedrivePolicy.maxReceiveCount"),
        *each(WORK, "RedrivePolicy.deadLetterTargetArn", WEST_ARN, QUEUE_ARN),
        *each(WORK, "RedrivePolicy.maxReceiveCount", 1, 4, either(5, 1), 1000),
        *each(WORK, "FifoQueue", True),
        reports(
            "must be a queue of the same template",
            (
                alone({"Queue": changed(WORK, "RedrivePolicy", "deadLetterTargetArn", to=WEST_ARN)}),
                alone({"Dead": DEAD}, WEST),
            ),
        ),
    ],
    unresolved=[
        *unknown(WORK, "RedrivePolicy RedrivePolicy.maxReceiveCount VisibilityTimeout"),
        *each(WORK, "RedrivePolicy", '{"maxReceiveCount": 5}'),
    ],
    ignored=[on("Dead", beside()), on("Dead", beside(Dead=without(DEAD, "RedriveAllowPolicy")))],
)

OTHER = f"{SQS}:serverless-other-prod"

test_redrive_allow = rule_test(
    "ActivePassive-SQSRedriveAllow",
    lambda dead: {**pipeline(), "Dead": dead},
    of="Dead",
    region=EAST,
    passes=[DEAD, *each(DEAD, "RedriveAllowPolicy.sourceQueueArns", [QUEUE_ARN]), lone("Function", Dead=DENIED)],
    fails=[
        DENIED,
        *lacking(DEAD, "RedriveAllowPolicy RedriveAllowPolicy.sourceQueueArns"),
        *each(DEAD, "RedriveAllowPolicy", {"redrivePermission": "allowAll"}),
        *each(DEAD, "RedriveAllowPolicy.sourceQueueArns", [], [OTHER], [QUEUE_ARN, OTHER]),
        *each(DEAD, "RedriveAllowPolicy.sourceQueueArns", ["arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod"]),
    ],
    unresolved=unknown(DEAD, "RedriveAllowPolicy RedriveAllowPolicy.redrivePermission RedriveAllowPolicy.sourceQueueArns"),
    ignored=[
        on("Queue", beside(Queue=changed(WORK, "RedriveAllowPolicy", to={"redrivePermission": "denyAll"}))),
    ],
)

DEFAULT = without(DEAD, "MessageRetentionPeriod")


def of_function(seconds: int) -> Template:
    """Return a queue that only a function fills, with a retention in seconds."""
    dead = changed(without(DEAD, "RedriveAllowPolicy"), "MessageRetentionPeriod", to=seconds)
    return alone({"Function": function(), "Dead": dead})


test_retention = rule_test(
    "ActivePassive-SQSRetention",
    lambda dead: {**pipeline(), "Dead": dead},
    of="Dead",
    region=EAST,
    passes=[DEAD, beside(Queue=without(WORK, "MessageRetentionPeriod"), Dead=DEFAULT), of_function(345_600)],
    fails=[
        *each(DEAD, "MessageRetentionPeriod", 60, 345_599, 1_209_599, either(1_209_600, 60)),
        reports("is 345600 s, and us-east-1/Queue keeps one for 1209600 s", DEFAULT),
        of_function(60),
    ],
    unresolved=[
        *unknown(DEAD, "MessageRetentionPeriod"),
        *(beside(Queue=it) for it in unknown(WORK, "MessageRetentionPeriod")),
    ],
    ignored=[on("Queue", beside())],
)

VISIBILITY = "ActivePassive-SQSVisibility"
WINDOW = "MaximumBatchingWindowInSeconds"


@pytest.mark.property
@given(st.integers(1, 900), st.integers(0, 300), st.integers(0, 43_200))
def test_six_timeouts_and_the_window_are_the_bound(timeout: int, window: int, hidden: int) -> None:
    templates = beside(
        Queue=changed(WORK, "VisibilityTimeout", to=hidden),
        Function=changed(function(), "Timeout", to=timeout),
        Mapping=changed(mapping(), WINDOW, to=window),
    )
    assert verdict_in(VISIBILITY, "Queue", templates) is (PASS if hidden >= 6 * timeout + window else FAIL)


test_visibility = rule_test(
    VISIBILITY,
    lambda changes: {**pipeline(), **changes},
    of="Queue",
    region=EAST,
    passes=[{"Queue": without(WORK, "VisibilityTimeout"), "Function": without(function(), "Timeout")}],  # 30 and 3
    fails=[
        reports("is 1799 s; it must be 1800 s or more", {"Queue": changed(WORK, "VisibilityTimeout", to=1799)}),
        {"Function": changed(function(), "Timeout", to=either(300, 301))},
    ],
    unresolved=[
        *({"Queue": it} for it in unknown(WORK, "VisibilityTimeout")),
        *({"Function": it} for it in unknown(function(), "Timeout")),
        *({"Mapping": it} for it in (*unknown(mapping(), WINDOW), *each(mapping(), "FunctionName", "elsewhere"))),
    ],
    ignored=[alone({"Queue": WORK}, WEST), on("Dead", beside())],
)
