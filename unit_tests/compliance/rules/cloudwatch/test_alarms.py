"""The rules about alarms, and whether the resources that carry work are watched."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    function,
    pipeline,
    queue,
    regional_bucket,
    replicating,
    table,
)
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, Value, changed, conditional, either, resource
from unit_tests.compliance.rules.failover import alarm
from unit_tests.compliance.rules.verdicts import PASS, on, reports, rule_test, verdict_in

TOPIC = {"Ref": "Topic"}
HERE, THERE = (f"arn:aws:sns:{region}:000000000000:serverless-alarms-prod" for region in (WEST, EAST))
OUTPUT = {"StackName": "serverless-regional-prod", "OutputName": "TopicArn"}
SUB = {"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:serverless-alarms-prod"}


def acting(actions: Value, **changes: Value) -> Resource:
    return alarm(**{"TreatMissingData": "breaching", "AlarmActions": actions, **changes})


def composite(**properties: Value) -> Resource:
    return resource("CloudWatch::CompositeAlarm", **{"AlarmRule": "TRUE", **properties})


def beside_topic(it: Resource) -> tuple[Template, Template]:
    topic = resource("SNS::Topic", TopicName="serverless-alarms-prod")
    east = template({"Topic": topic}, EAST)
    east.body["Outputs"] = {"TopicArn": {"Value": TOPIC, "Export": {"Name": "topic"}}}
    return template({"It": it, "Topic": topic}, WEST), east


OURS = resource("SQS::Queue", KmsMasterKeyId="arn:aws:kms:us-west-2:000000000000:alias/ours")
STRANGER = {"It": acting(["arn:aws:sns:us-west-2:999999999999:serverless-alarms-prod"]), "Queue": OURS, "Other": OURS}
UNDECLARED = acting([{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:a"}])

test_alarm = rule_test(
    "ActivePassive-CloudWatchAlarm",
    beside_topic,
    passes=[
        *map(acting, ([TOPIC], [HERE], HERE, [SUB], [{"Fn::ImportValue": "anything"}], [{"Fn::GetStackOutput": OUTPUT}])),
        acting([TOPIC], OKActions=[TOPIC], InsufficientDataActions=[HERE]),
        acting([TOPIC], TreatMissingData=either("ignore", "missing")),
        acting([TOPIC], ActionsEnabled=True),
        composite(AlarmActions=[TOPIC]),
        # An unknown region counts as the alarm's own.
        template({"It": acting([TOPIC]), "Topic": resource("SNS::Topic")}, "", ""),
    ],
    fails=[
        *map(acting, (None, [], [ABSENT], either([TOPIC], ABSENT), [THERE], [TOPIC, THERE])),
        acting(None, OKActions=[TOPIC]),
        *(acting([TOPIC], ActionsEnabled=enabled) for enabled in (False, "false")),
        *(acting([TOPIC], **{actions: [THERE]}) for actions in ("OKActions", "InsufficientDataActions")),
        acting([{"Fn::GetStackOutput": {**OUTPUT, "Region": EAST}}]),
        *(acting([TOPIC], TreatMissingData=silence) for silence in (None, "whatever", either("breaching", ABSENT))),
        *(composite(), composite(AlarmActions=[THERE]), composite(AlarmActions=[TOPIC], ActionsEnabled=False)),
        reports(
            "AlarmActions acts in us-east-1, not in the alarm's own region us-west-2",
            template({"It": acting([THERE])}, WEST),
        ),
        reports(
            "AlarmActions notifies a topic of account 999999999999, which is not the account of these templates",
            template(STRANGER, WEST),
        ),
    ],
    unresolved=[
        *map(acting, (UNKNOWN, [UNKNOWN], ["a-topic"], ["arn:aws:sns:us-west-2:000000000000:a-topic-of-no-template"])),
        acting([{"Fn::GetStackOutput": {**OUTPUT, "Region": UNKNOWN}}]),
        acting([{"Fn::Sub": "arn:aws:sns:${Other}:${AWS::AccountId}:a"}]),
        *(acting([TOPIC], TreatMissingData=UNKNOWN), acting([TOPIC], ActionsEnabled=UNKNOWN)),
        template({"It": UNDECLARED}, ""),
    ],
)

SENSE = "ActivePassive-CloudWatchAlarmSense"
LESS, MORE = "LessThanThreshold", "GreaterThanThreshold"
FAILED = {"Namespace": "AWS/S3", "MetricName": "OperationsFailedReplication", "Statistic": "Sum"}
LATENCY = {"Namespace": "AWS/S3", "MetricName": "ReplicationLatency"}


def aged(**changes: Value) -> Resource:
    """Return an alarm on the age of a queue's messages."""
    settings = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": "serverless-ingest-prod"}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 600,
        "ComparisonOperator": MORE,
        "TreatMissingData": "notBreaching",
        **changes,
    }
    return resource("CloudWatch::Alarm", **settings)


def lasting(threshold: float) -> Resource:
    """Return an alarm on the duration of a function, in milliseconds."""
    name = [{"Name": "FunctionName", "Value": {"Ref": "Function"}}]
    return aged(Namespace="AWS/Lambda", MetricName="Duration", Dimensions=name, Threshold=threshold)


def counted(name: str, statistic: Value, threshold: float = 1) -> Resource:
    more = "GreaterThanOrEqualToThreshold"
    return aged(Namespace="AWS/Lambda", MetricName=name, Statistic=statistic, Threshold=threshold, ComparisonOperator=more)


def in_several(it: Resource) -> tuple[Template, Template]:
    """Return an alarm in one region of a system that keeps a table in two."""
    return template({"It": it}, WEST), template({"Table": table()}, EAST)


def in_place(it: Resource) -> Template:
    return alone({"It": it, "Queue": queue(), "Function": function()})


STAT = {"Metric": {"Namespace": "X", "MetricName": "Y"}, "Period": 60, "Stat": "Sum", "Unit": "Bytes"}
OF_QUERY = aged(
    **dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period")),
    Metrics=[{"Id": "m", "MetricStat": STAT}],
)

test_alarm_sense = rule_test(
    SENSE,
    in_place,
    passes=[
        *(aged(), aged(DatapointsToAlarm=None), aged(Statistic=None, ExtendedStatistic="p99")),
        aged(ComparisonOperator="GreaterThanOrEqualToThreshold", Threshold=0),
        aged(
            Namespace="AWS/Billing", MetricName="EstimatedCharges", Period=21_600, EvaluationPeriods=1, DatapointsToAlarm=1
        ),
        *(lasting(299_999), aged(**FAILED, Threshold=0), aged(**LATENCY, Threshold=900)),
        aged(Namespace="Ours", MetricName="Heartbeats", ComparisonOperator=LESS, TreatMissingData="breaching"),
        aged(Namespace="Ours", MetricName="A", Period=10, Threshold=1e7),
        aged(Namespace="Ours", MetricName="BytesPending", Threshold=1e9),
        *(counted("Errors", "Sum"), counted("Errors", "Average", 0.05), counted("Throttles", either("Sum", "Sum"))),
        aged(Namespace="AWS/DynamoDB", MetricName="ReplicationLatency", Statistic="Average"),
        aged(Namespace="Ours", MetricName="A", Statistic="Average"),  # one region: the metric may be of any kind
        *(in_several(aged(Namespace="Ours", MetricName="A", Statistic=each)) for each in ("Maximum", "Sum")),
        in_several(aged(Namespace="CWAgent", MetricName="A", Statistic="Average")),
    ],
    fails=[
        aged(Namespace="Ours", MetricName="A", Threshold=1e9),
        aged(Namespace="AWS/DynamoDB", MetricName="ReplicationLatency", Statistic="Minimum"),
        aged(Namespace="Ours", MetricName="A", ComparisonOperator=LESS, TreatMissingData="breaching", Threshold=0),
        aged(ComparisonOperator=LESS, TreatMissingData="breaching"),
        aged(ComparisonOperator=either(MORE, "LessThanOrEqualToThreshold"), TreatMissingData="breaching"),
        *(aged(DatapointsToAlarm=6), aged(Period=6000), aged(Period=1)),
        *(aged(**{setting: None}) for setting in ("Period", "Namespace", "Threshold", "Statistic")),
        aged(ComparisonOperator=None, Namespace="Ours"),
        aged(EvaluationPeriods=None, DatapointsToAlarm=None),
        aged(EvaluationPeriods=1500, DatapointsToAlarm=15),
        aged(EvaluationPeriods=500, DatapointsToAlarm=None),
        *(aged(Threshold=604_801), lasting(300_000), aged(**FAILED, Threshold=1), aged(**LATENCY, Threshold=901)),
        aged(Namespace="Ours", MetricName="Heartbeats", ComparisonOperator=LESS),
        *(
            counted("Errors", statistic)
            for statistic in ("Average", "Maximum", "Minimum", "SampleCount", either("Sum", "Average"))
        ),
        *(aged(Statistic=statistic) for statistic in ("Average", "Minimum", "SampleCount")),
        aged(Statistic=None, ExtendedStatistic="p50"),
        *(in_several(aged(Namespace="Ours", MetricName="A", Statistic=each)) for each in ("Average", "Minimum")),
        reports("the statistic of Throttles is Average, in which many good values hide", counted("Throttles", "Average")),
        reports("Threshold is 1e+06, and the function's timeout is 300000: it fires too late, or never", lasting(1_000_000)),
        # A unit hides what was published with another.
        aged(Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile="ignore"),
        *(reports("Unit is", it) for it in (aged(Unit="Bytes"), aged(Unit=either(ABSENT, "Bytes")), OF_QUERY)),
    ],
    unresolved=[
        aged(**{setting: UNKNOWN})
        for setting in ("Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "MetricName")
    ],
)


@pytest.mark.property
@given(st.integers(1, 240), st.integers(1, 240))
@example(1, 2)
@example(120, 120)
@example(121, 121)
def test_alarm_passes_only_if_it_can_fire_within_two_hours(periods: int, points: int) -> None:
    verdict = verdict_in(SENSE, "It", in_place(aged(EvaluationPeriods=periods, DatapointsToAlarm=points)))
    assert (verdict is PASS) == (points <= periods and points * 60 <= 7200)


def metric(namespace: Value, name: Value, **dimensions: Value) -> Resource:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    settings = {"Namespace": namespace, "MetricName": name, "Dimensions": listed, "Statistic": "Sum", "Period": 60}
    return resource("CloudWatch::Alarm", **settings)


def query(it: Resource) -> Resource:
    """Return the same alarm, with its metric as a query."""
    given = dict(it["Properties"])
    stat = {"Stat": given.pop("Statistic"), "Period": given.pop("Period"), "Metric": given}
    return {"Type": it["Type"], "Properties": {"Metrics": [{"Id": "a", "MetricStat": stat}]}}


def age(**dimensions: Value) -> Resource:
    return metric("AWS/SQS", "ApproximateAgeOfOldestMessage", **dimensions)


def ledger(name: str, table: str = "serverless-ledger-prod", **dimensions: Value) -> Resource:
    return metric("AWS/DynamoDB", name, TableName=table, **dimensions)


def replication(**changes: Value) -> Resource:
    source = "serverless-ingest-prod-000000000000-us-east-1-an"
    terms = {"SourceBucket": source, "DestinationBucket": {"Ref": "Bucket"}, "RuleId": "all", **changes}
    return metric("AWS/S3", "ReplicationLatency", **{name: value for name, value in terms.items() if value})


def publishing(namespace: str, publisher: Value = None, **dimensions: Value) -> Value:
    """Return an alarm on a namespace beside a function that publishes to Lockstep."""
    variables = {"POWERTOOLS_METRICS_NAMESPACE": "Lockstep", "POWERTOOLS_SERVICE_NAME": publisher, "ENVIRONMENT": "prod"}
    it = changed(function(), "Environment", to={"Variables": variables})
    return alone({"It": metric(namespace, "Heartbeats", **dimensions), "Function": it})


API = resource("ApiGatewayV2::Api")
AGE = age(QueueName="serverless-ingest-prod")
ERRORS = metric("AWS/Lambda", "Errors", FunctionName={"Ref": "Function"})

test_alarm_subject = rule_test(
    "ActivePassive-CloudWatchAlarmSubject",
    lambda it: (
        alone({"It": it, "Queue": queue(), "Function": function(), "Bucket": replicating(), "Api": API}, EAST),
        alone({"Table": table()}, WEST),
    ),
    passes=[
        *(AGE, query(AGE), age(QueueName={"Fn::GetAtt": ["Queue", "QueueName"]})),
        *(ERRORS, metric("AWS/Lambda", "ConcurrentExecutions"), metric("AWS/ApiGateway", "5xx", ApiId={"Ref": "Api"})),
        ledger("ReplicationLatency", ReceivingRegion=WEST),
        ledger("ReadThrottleEvents", GlobalSecondaryIndexName="by_file"),
        *(replication(), metric("Ours", "Anything", Whatever="it-is")),
        *(
            publishing("Lockstep", environment="prod"),
            publishing("Lockstep"),
            publishing("CWAgent"),
            publishing("Lockstep", "observer", service="observer"),
        ),
    ],
    fails=[
        reports("nothing here publishes to Namespace Lockstp", publishing("Lockstp")),
        publishing("Lockstep", environment="dev"),
        *(publishing("Lockstep", "observer"), publishing("Lockstep", "observer", service="observr")),
        metric("AWS/Lambda", "Erors", FunctionName={"Ref": "Function"}),
        metric("AWS/ApiGateway", "4XXError", ApiId={"Ref": "Api"}),
        *(age(QueueName="serverless-ingest-other"), query(age(QueueName="serverless-ingest-other"))),
        *(age(QueueName={"Ref": "Function"}), age(), age(QueueName=None)),
        metric("AWS/Lambda", "Errors", FunctionName="another"),
        metric("AWS/ApiGateway", "5xx", ApiId="abcdef"),
        reports(
            "publishes ReplicationLatency by ReceivingRegion, TableName, not by TableName", ledger("ReplicationLatency")
        ),
        *(ledger("SystemErrors"), ledger("SystemErrors", "serverless-ledger-other", Operation="GetItem")),
        ledger("ReadThrottleEvents", GlobalSecondaryIndexName="by_day"),
        *(replication(DestinationBucket=None), replication(RuleId="another"), replication(SourceBucket="another-bucket")),
    ],
    unresolved=[metric("AWS/SQS", "SentMessageSize", QueueName=UNKNOWN), metric(UNKNOWN, "A")],
)

WATCHED = "ActivePassive-CloudWatchWatched"
HTTP = resource("ApiGatewayV2::Api", ProtocolType="HTTP")
PROXY = {"ApiId": "a", "IntegrationType": "AWS_PROXY", "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]}}
BEHIND_API = {"Function": function(), "Integration": resource("ApiGatewayV2::Integration", **PROXY)}
COPIES_FAILED = metric("AWS/S3", "OperationsFailedReplication", SourceBucket={"Ref": "It"})
WEST_BUCKET = template({"It": regional_bucket()}, WEST)
OTHERS = (
    age(QueueName="serverless-ingest-dlq-prod"),
    metric("AWS/SQS", "NumberOfMessagesSent", QueueName="serverless-ingest-prod"),
    age(),
    metric("Ours", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-prod"),
    metric("AWS/SQS", either("ApproximateAgeOfOldestMessage", "A"), QueueName="serverless-ingest-prod"),
    conditional(AGE),
)

test_watched = rule_test(
    WATCHED,
    lambda alarms: {**pipeline(), **alarms},
    of="Queue",
    region=EAST,
    passes=[
        *({"Age": AGE}, on("Function", {"Errors": ERRORS}), on("Function", alone({**BEHIND_API, "Errors": ERRORS}))),
        on("It", alone({"It": HTTP, "Faults": metric("AWS/ApiGateway", "5xx", ApiId={"Ref": "It"})})),
        on("It", (template({"It": replicating(), "Failed": COPIES_FAILED}, EAST), WEST_BUCKET)),
    ],
    fails=[
        *(on(name, {"Age": other}) for other in OTHERS for name in ("Queue", "Function")),
        (alone(pipeline(), EAST), alone({"Age": AGE}, WEST)),
        reports("no alarm of its region watches ApproximateAgeOfOldestMessage of it (AWS/SQS, by QueueName)", {}),
        on("Function", alone(BEHIND_API)),
        on("It", (template({"It": replicating()}, EAST), WEST_BUCKET)),
    ],
    unresolved=[{"Age": metric("AWS/SQS", UNKNOWN, QueueName="serverless-ingest-prod")}],
    ignored=[on("Dead", {}), on("It", template({"It": function()}, WEST)), on("It", WEST_BUCKET)],
)
