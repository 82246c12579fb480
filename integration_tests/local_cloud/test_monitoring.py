"""Test alarms, which fire on their own data only, the metrics that they read, and the status of health checks."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import Stack, allow, deploy, function, key, role, until
from integration_tests.local_cloud.test_functions import api, invoke
from local_cloud.shims import alarms

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def alarm(**properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    defaults = {
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    if "Metrics" in properties:
        del defaults["Statistic"], defaults["Period"]
    return cfn.resource("CloudWatch::Alarm", defaults, **properties)


def state(stack: Stack, logical_id: str) -> str:
    described = stack.client("cloudwatch").describe_alarms(
        AlarmNames=[stack[logical_id]], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = described["MetricAlarms"] + described["CompositeAlarms"]
    value: str = found[0]["StateValue"]
    return value


def put(stack: Stack, name: str, value: float, **dimensions: str) -> None:
    stack.client("cloudwatch").put_metric_data(
        Namespace="Test",
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Dimensions": [{"Name": key_, "Value": value_} for key_, value_ in dimensions.items()],
            }
        ],
    )


@pytest.mark.parametrize("order", [None, "TimestampDescending", "TimestampAscending"])
def test_metric_data_comes_in_the_requested_order(cloud: LocalCloud, order: str | None) -> None:
    cloudwatch, now = cloud.client("cloudwatch", "us-west-2"), dt.datetime.now(dt.UTC)
    name = f"Ordered-{order}"
    for minutes, value in ((3, 1), (1, 2)):
        point = {"MetricName": name, "Value": value, "Timestamp": now - dt.timedelta(minutes=minutes)}
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[point])
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": 60, "Stat": "Maximum"}}
    window = {"StartTime": now - dt.timedelta(minutes=5), "EndTime": now}
    named = {"ScanBy": order} if order else {}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **window, **named)["MetricDataResults"]
    assert result["Values"] == ([1, 2] if order == "TimestampAscending" else [2, 1])
    assert result["Timestamps"] == sorted(result["Timestamps"], reverse=order != "TimestampAscending")


def test_alarm_fires_on_its_own_dimensions_only(cloud: LocalCloud) -> None:
    def on(queue: str) -> dict[str, Any]:
        return alarm(Namespace="Test", MetricName="Depth", Dimensions=[{"Name": "Queue", "Value": queue}])

    resources = {"One": on("one"), "Two": on("two"), "None": alarm(Namespace="Test", MetricName="Depth")}
    stack = deploy(cloud, resources)
    put(stack, "Depth", 5, Queue="one")
    assert until(lambda: state(stack, "One") == "ALARM")
    put(stack, "Depth", 0, Queue="two")
    assert until(lambda: state(stack, "Two") == "OK")
    assert state(stack, "None") == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [("breaching", "ALARM"), ("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA")],
)
def test_missing_data_is_treated_as_the_alarm_says(cloud: LocalCloud, treatment: str, expected: str) -> None:
    stack = deploy(cloud, {"Alarm": alarm(Namespace="Test", MetricName="Never", TreatMissingData=treatment)})
    until(lambda: state(stack, "Alarm") == expected, seconds=2.5)
    assert state(stack, "Alarm") == expected


def test_alarm_needs_m_of_its_n_periods_at_its_own_statistic(cloud: LocalCloud) -> None:
    data = {"Namespace": "Test", "MetricName": "Often", "TreatMissingData": "notBreaching"}
    resources = {
        "TwoOfThree": alarm(**data, EvaluationPeriods=3, DatapointsToAlarm=2),
        "OneOfThree": alarm(**data, EvaluationPeriods=3, DatapointsToAlarm=1),
        "Average": alarm(**data, EvaluationPeriods=3, DatapointsToAlarm=1, Statistic="Average", Threshold=5),
    }
    stack = deploy(cloud, resources)
    now = dt.datetime.now(dt.UTC)

    def put_at(minutes_ago: float, *values: float) -> None:
        at = now - dt.timedelta(minutes=minutes_ago)
        points = [{"MetricName": "Often", "Value": value, "Timestamp": at} for value in values]
        stack.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=points)

    put_at(2.5, 8, 0)
    assert until(lambda: state(stack, "OneOfThree") == "ALARM")
    assert until(lambda: state(stack, "TwoOfThree") == "OK")
    assert until(lambda: state(stack, "Average") == "OK")
    put_at(1.5, 8)
    assert until(lambda: state(stack, "TwoOfThree") == "ALARM")
    assert until(lambda: state(stack, "Average") == "ALARM")


# The rows of CloudWatch's documentation on missing data: the oldest datapoint first, X breaches, 0 does not, - is missing.
# What follows is the state when missing data is missing, ignored (~ keeps the state), breaching and not breaching.
@pytest.mark.parametrize(
    ("needed", "datapoints", "states"),
    [
        (3, "0-X-X", "OK OK OK OK"),
        (3, "0----", "OK OK OK OK"),
        (3, "-----", "INSUFFICIENT_DATA ~ ALARM OK"),
        (3, "0XX-X", "ALARM ALARM ALARM ALARM"),
        (3, "--X--", "ALARM ~ ALARM OK"),
        (2, "0-X-X", "ALARM ALARM ALARM ALARM"),
        (2, "00X0X", "ALARM ALARM ALARM ALARM"),
        (2, "0-X--", "OK OK ALARM OK"),
        (2, "----0", "OK OK ALARM OK"),
        (2, "---X-", "ALARM ~ ALARM OK"),
    ],
)
def test_missing_data_is_filled_as_the_documentation_shows(needed: int, datapoints: str, states: str) -> None:
    series = [{"X": 9.0, "0": 0.0, "-": None}[letter] for letter in reversed(datapoints)]
    common = {"EvaluationPeriods": 3, "DatapointsToAlarm": needed, "Threshold": 1}
    for treatment, expected in zip(("missing", "ignore", "breaching", "notBreaching"), states.split(), strict=True):
        for before in ("OK", "ALARM"):
            judged = {**common, "ComparisonOperator": "GreaterThanThreshold", "StateValue": before}
            state_, _why = alarms._judge({**judged, "TreatMissingData": treatment}, series)  # noqa: SLF001  no data ages so exactly
            assert state_ == expected.replace("~", before), (treatment, before)


def test_metric_math_is_evaluated(cloud: LocalCloud) -> None:
    def query(identity: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": "Test", "MetricName": name}
        return {"Id": identity, "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    rate = {"Id": "rate", "Expression": "IF(total > 0, 100 * FILL(errors, 0) / total, 0)", "Label": "rate"}
    resources = {"Alarm": alarm(Threshold=10, Metrics=[rate, query("errors", "MathErrors"), query("total", "MathTotal")])}
    stack = deploy(cloud, resources)
    put(stack, "MathTotal", 100)
    assert until(lambda: state(stack, "Alarm") == "OK")
    put(stack, "MathErrors", 30)
    assert until(lambda: state(stack, "Alarm") == "ALARM")
    described = stack.client("cloudwatch").describe_alarms(AlarmNames=[stack["Alarm"]])["MetricAlarms"][0]
    assert {query_["Id"] for query_ in described["Metrics"]} == {"rate", "errors", "total"}


def test_math_that_cannot_be_evaluated_is_refused_and_named(cloud: LocalCloud) -> None:
    search = {"Id": "all", "Expression": "SUM(SEARCH('x', 'Sum', 60))"}
    with pytest.raises(AssertionError, match="cannot evaluate SEARCH"):
        deploy(cloud, {"Alarm": alarm(Metrics=[search])})


def test_composite_alarm_follows_its_children(cloud: LocalCloud) -> None:
    child = alarm(Namespace="Test", MetricName="Child")
    quiet = alarm(Namespace="Test", MetricName="Quiet", TreatMissingData="notBreaching")
    rule = {"Fn::Sub": 'ALARM("${Child}") AND NOT ALARM("${Quiet}")'}
    composite = cfn.resource("CloudWatch::CompositeAlarm", AlarmRule=rule)
    stack = deploy(cloud, {"Child": child, "Quiet": quiet, "Composite": composite})
    assert state(stack, "Composite") == "OK"
    put(stack, "Child", 9)
    assert until(lambda: state(stack, "Composite") == "ALARM")
    put(stack, "Quiet", 9)
    assert until(lambda: state(stack, "Composite") == "OK")


def test_suppressed_composite_alarm_changes_without_actions(cloud: LocalCloud) -> None:
    def composite(**properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
        rule = {"Fn::Sub": 'ALARM("${Child}")'}
        actions = {"AlarmRule": rule, "AlarmActions": [cfn.ref("Topic")], **properties}
        return cfn.resource("CloudWatch::CompositeAlarm", **actions)

    suppression = {"ActionsSuppressorWaitPeriod": 1, "ActionsSuppressorExtensionPeriod": 1}
    resources = {
        **queue_alarm(),
        "Child": alarm(Namespace="Test", MetricName="Hushed"),
        "Hush": alarm(Namespace="Test", MetricName="Hush"),
        "Quiet": composite(ActionsSuppressor=cfn.att("Hush"), **suppression),
        "Loud": composite(),
    }
    stack = deploy(cloud, resources)
    put(stack, "Hush", 9)
    assert until(lambda: state(stack, "Hush") == "ALARM")
    put(stack, "Hushed", 9)
    assert until(lambda: state(stack, "Quiet") == state(stack, "Loud") == "ALARM")
    assert [message["AlarmName"] for message in until(lambda: heard(stack))] == [stack["Loud"]]
    assert not until(lambda: heard(stack), seconds=0.5)


def queue_alarm(**topic: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    """A dead-letter queue, an alarm on its depth, and a topic with a queue as subscriber."""
    return {
        "Dead": cfn.resource("SQS::Queue"),
        "Heard": cfn.resource("SQS::Queue"),
        "Policy": cfn.queue_policy("Heard", cfn.admit("sns.amazonaws.com", "sqs:SendMessage")),
        "Topic": cfn.resource("SNS::Topic", **topic),
        "Subscription": cfn.resource(
            "SNS::Subscription",
            TopicArn=cfn.ref("Topic"),
            Protocol="sqs",
            Endpoint=cfn.att("Heard"),
            RawMessageDelivery=True,
        ),
        "Alarm": alarm(
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": cfn.att("Dead", "QueueName")}],
            AlarmActions=[cfn.ref("Topic")],
        ),
    }


def heard(stack: Stack) -> list[dict[str, Any]]:
    messages = stack.client("sqs").receive_message(QueueUrl=stack["Heard"]).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_message_in_a_dead_letter_queue_raises_and_announces_its_alarm(cloud: LocalCloud) -> None:
    stack = deploy(cloud, queue_alarm(), region="us-west-2")
    assert until(lambda: state(stack, "Alarm") == "OK")
    stack.client("sqs").send_message(QueueUrl=stack["Dead"], MessageBody="failed")
    messages = until(lambda: heard(stack))
    assert [(message["NewStateValue"], message["AlarmName"]) for message in messages] == [("ALARM", stack["Alarm"])]


def test_encrypted_topic_must_allow_cloudwatch(cloud: LocalCloud) -> None:
    resources = {"Key": key(), **queue_alarm(KmsMasterKeyId=cfn.ref("Key"))}
    stack = deploy(cloud, resources)
    stack.client("sqs").send_message(QueueUrl=stack["Dead"], MessageBody="failed")
    assert until(lambda: state(stack, "Alarm") == "ALARM")
    assert not until(lambda: heard(stack), seconds=0.6)

    stack.update(
        {**resources, "Key": key(admitted=cfn.admit("cloudwatch.amazonaws.com", "kms:GenerateDataKey", "kms:Decrypt"))}
    )
    stack.client("sqs").purge_queue(QueueUrl=stack["Dead"])
    stack.client("cloudwatch").set_alarm_state(AlarmName=stack["Alarm"], StateValue="OK", StateReason="again")
    assert [message["NewStateValue"] for message in until(lambda: heard(stack))] == ["ALARM"]


def test_topic_settings_are_read_back_and_can_be_removed(cloud: LocalCloud) -> None:
    retry = {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5, "minDelayTarget": 1, "maxDelayTarget": 2}}}
    rich = {
        "KmsMasterKeyId": cfn.ref("Key"),
        "DeliveryPolicy": retry,
        "TracingConfig": "Active",
        "SignatureVersion": "2",
        "DisplayName": "alarms",
    }
    resources = {"Key": key(), "Topic": cfn.resource("SNS::Topic", **rich)}
    stack = deploy(cloud, resources)

    def attributes() -> dict[str, str]:
        answer: dict[str, str] = stack.client("sns").get_topic_attributes(TopicArn=stack["Topic"])["Attributes"]
        return answer

    kept = attributes()
    assert kept["KmsMasterKeyId"] == stack["Key"]
    assert json.loads(kept["DeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"] == 5
    assert (kept["TracingConfig"], kept["SignatureVersion"], kept["DisplayName"]) == ("Active", "2", "alarms")
    stack.update({**resources, "Topic": cfn.resource("SNS::Topic")})
    left = attributes()
    assert not left.get("KmsMasterKeyId")
    assert (left["TracingConfig"], left["SignatureVersion"]) == ("PassThrough", "1")


def test_metrics_embedded_in_a_functions_log_are_published(cloud: LocalCloud) -> None:
    source = """
        import json
        def handler(event, context):
            metrics = [{"Name": "Records", "Unit": "Count"}]
            directive = {"Namespace": "Embedded", "Dimensions": [["service"]], "Metrics": metrics}
            mark = {"Timestamp": 1, "CloudWatchMetrics": [directive]}
            print(json.dumps({"_aws": mark, "service": "x", "Records": [3, 4]}))
    """
    logs = allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    resources = {
        "Loud": function(source, "LoudRole"),
        "LoudRole": role("lambda.amazonaws.com", logs),
        "Alarm": alarm(
            Namespace="Embedded",
            MetricName="Records",
            Dimensions=[{"Name": "service", "Value": "x"}],
            Statistic="Sum",
            Threshold=7,
        ),
    }
    stack = deploy(cloud, resources)
    stack.client("lambda").invoke(FunctionName=stack["Loud"])
    assert until(lambda: state(stack, "Alarm") == "ALARM")


def test_function_without_log_permission_logs_nothing(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com"), "Mute": function("def handler(e, c): print('x')", "Role")})
    stack.client("lambda").invoke(FunctionName=stack["Mute"])
    groups = stack.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack['Mute']}")
    assert groups["logGroups"] == []


def health(stack: Stack, logical_id: str) -> str:
    observed = stack.client("route53").get_health_check_status(HealthCheckId=stack[logical_id])
    status: str = observed["HealthCheckObservations"][0]["StatusReport"]["Status"]
    return status


def test_health_checks_ask_the_api_the_alarm_and_each_other(cloud: LocalCloud) -> None:
    def check(**configuration: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
        tags = [{"Key": "Name", "Value": "test"}]
        return cfn.resource("Route53::HealthCheck", HealthCheckConfig=configuration, HealthCheckTags=tags)

    https = {"Type": "HTTPS", "FullyQualifiedDomainName": cfn.HOST, "RequestInterval": 10, "FailureThreshold": 2}
    resources = {
        **api("NONE"),
        "Alarm": alarm(Namespace="Test", MetricName="Health", TreatMissingData="notBreaching"),
        "Good": check(**https, ResourcePath="/healthz"),
        "Bad": check(**https, ResourcePath="/nothing"),
        "Watch": check(
            Type="CLOUDWATCH_METRIC",
            AlarmIdentifier={"Name": cfn.ref("Alarm"), "Region": cfn.ref("AWS::Region")},
            InsufficientDataHealthStatus="Unhealthy",
        ),
        "Both": check(Type="CALCULATED", ChildHealthChecks=[cfn.ref("Good"), cfn.ref("Watch")], HealthThreshold=2),
        "Opposite": check(**https, ResourcePath="/nothing", Inverted=True),
    }
    stack = deploy(cloud, resources, region="us-west-2")
    assert health(stack, "Good").startswith("Success: HTTP status code 200")
    assert health(stack, "Bad").startswith("Failure: HTTP status code 404")
    assert health(stack, "Opposite").startswith("Success")
    # The alarm is OK by then; without data that says nothing.
    assert until(lambda: state(stack, "Alarm") == "OK")
    assert health(stack, "Watch").startswith("Failure: no data")
    put(stack, "Health", 0)
    assert health(stack, "Watch").startswith("Success")
    assert health(stack, "Both").startswith("Success")
    put(stack, "Health", 5)
    assert until(lambda: health(stack, "Watch").startswith("Failure"))
    assert health(stack, "Both").startswith("Failure: 1 of 2")
    tags = stack.client("route53").list_tags_for_resource(ResourceType="healthcheck", ResourceId=stack["Good"])
    assert tags["ResourceTagSet"]["Tags"] == [{"Key": "Name", "Value": "test"}]


def test_health_check_follows_its_endpoint(cloud: LocalCloud) -> None:
    resources = {**api("NONE"), "Check": cfn.ready_check(cfn.HOST)}
    stack = deploy(cloud, resources)
    assert health(stack, "Check").startswith("Success: HTTP status code 200")
    broken = function("def handler(event, context): raise ValueError", "Role")
    stack.update({**resources, "Function": broken})
    assert health(stack, "Check").startswith("Failure: HTTP status code 5")
    stack.update(resources)
    assert health(stack, "Check").startswith("Success")


def test_zone_with_a_vpc_is_private_and_keeps_failover_records(cloud: LocalCloud) -> None:
    def record(which: str, target: str) -> dict[str, Any]:
        how = {"TTL": "60", "SetIdentifier": which, "Failover": which, "HealthCheckId": cfn.ref("Check")}
        named = {"HostedZoneId": cfn.ref("Zone"), "Name": "api.lockstep.internal", "Type": "CNAME"}
        return cfn.resource("Route53::RecordSet", ResourceRecords=[target], **named, **how)

    zone = {
        "VPCs": [{"VPCId": cfn.ref("Vpc"), "VPCRegion": "us-east-1"}],
        "HostedZoneTags": [{"Key": "Owner", "Value": "me"}],
    }
    resources = {
        "Vpc": cfn.resource("EC2::VPC", CidrBlock="10.9.0.0/16"),
        "Zone": cfn.resource("Route53::HostedZone", Name="lockstep.internal", **zone),
        "Check": cfn.health_check(Type="HTTP", IPAddress="127.0.0.1", Port=9),
        "Primary": record("PRIMARY", "one.example"),
        "Secondary": record("SECONDARY", "two.example"),
    }
    stack = deploy(cloud, resources)
    route53 = stack.client("route53")
    answered = route53.get_hosted_zone(Id=stack["Zone"])
    assert answered["HostedZone"]["Config"]["PrivateZone"] is True
    assert answered["VPCs"] == [{"VPCRegion": "us-east-1", "VPCId": stack["Vpc"]}]
    records = route53.list_resource_record_sets(HostedZoneId=stack["Zone"])["ResourceRecordSets"]
    ours = {entry["Failover"]: entry for entry in records if "Failover" in entry}
    assert ours["PRIMARY"]["ResourceRecords"] == [{"Value": "one.example"}]
    assert ours["SECONDARY"]["HealthCheckId"] == stack["Check"]
    assert health(stack, "Check").startswith("Failure")
    stack.delete()


def test_log_group_under_a_key_without_permission_fails(cloud: LocalCloud) -> None:
    group = cfn.resource("Logs::LogGroup", RetentionInDays=30, KmsKeyId=cfn.att("Key"))
    with pytest.raises(AssertionError, match="does not let CloudWatch Logs"):
        deploy(cloud, {"Key": key(), "Group": group})
    logs, use = {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}, ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*")
    context = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:000000000000:*"}}
    admitting = key(admitted=cfn.admit(logs, *use, Condition=context))
    stack = deploy(cloud, {"Key": admitting, "Group": group})
    described = stack.client("logs").describe_log_groups(logGroupNamePrefix=stack["Group"])["logGroups"][0]
    assert described["retentionInDays"] == 30
    assert described["kmsKeyId"].endswith(stack["Key"])


READS_METRICS = """
    import boto3, datetime as dt
    cloudwatch = boto3.client("cloudwatch")
    def handler(event, context):
        now = dt.datetime.now(dt.timezone.utc)
        metric = {"Namespace": "Test", "MetricName": event, "Dimensions": [{"Name": "Queue", "Value": "one"}]}
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
            StartTime=now - dt.timedelta(minutes=5),
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        return answer["MetricDataResults"][0]["Values"]
"""


def test_function_with_permission_reads_metric_data(cloud: LocalCloud) -> None:
    resources = {
        "Role": role("lambda.amazonaws.com", allow("cloudwatch:GetMetricData")),
        "Function": function(READS_METRICS, "Role"),
    }
    stack = deploy(cloud, resources, region="us-west-2")
    put(stack, "Read", 3, Queue="one")
    put(stack, "Read", 9, Queue="two")
    # A datapoint counts from the second after it on.
    assert until(lambda: invoke(stack, stack["Function"], "Read") == (None, [3.0]))
    assert invoke(stack, stack["Function"], "Nothing") == (None, [])
    stack.update({**resources, "Role": role("lambda.amazonaws.com")})
    failed, answer = invoke(stack, stack["Function"], "Read")
    assert failed
    assert "not authorized" in answer["errorMessage"]
