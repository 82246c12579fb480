"""Alarms that fire on their own data and on no other's, metrics to fire on, and health checks with a status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from integration_tests.local_cloud.stacks_for_tests import Stack, allow, deploy, function, key, role, until
from integration_tests.local_cloud.test_functions import api

if TYPE_CHECKING:
    from integration_tests.local_cloud import LocalCloud


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
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**defaults, **properties}}


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


def test_an_alarm_fires_on_its_own_dimensions_and_no_other_does(cloud: LocalCloud) -> None:
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


def test_a_composite_alarm_follows_its_children(cloud: LocalCloud) -> None:
    child = alarm(Namespace="Test", MetricName="Child")
    quiet = alarm(Namespace="Test", MetricName="Quiet", TreatMissingData="notBreaching")
    rule = {"Fn::Sub": 'ALARM("${Child}") AND NOT ALARM("${Quiet}")'}
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}}
    stack = deploy(cloud, {"Child": child, "Quiet": quiet, "Composite": composite})
    assert state(stack, "Composite") == "OK"
    put(stack, "Child", 9)
    assert until(lambda: state(stack, "Composite") == "ALARM")


def queue_alarm(**topic: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    """A dead-letter queue, an alarm on its depth, and a topic that a queue listens to."""
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    return {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Heard": {"Type": "AWS::SQS::Queue"},
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Heard"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [publish]},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": topic},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Heard", "Arn"]},
                "RawMessageDelivery": True,
            },
        },
        "Alarm": alarm(
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Dead", "QueueName"]}}],
            AlarmActions=[{"Ref": "Topic"}],
        ),
    }


def heard(stack: Stack) -> list[dict[str, Any]]:
    messages = stack.client("sqs").receive_message(QueueUrl=stack["Heard"]).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_a_message_in_a_dead_letter_queue_raises_its_alarm_and_is_announced(cloud: LocalCloud) -> None:
    stack = deploy(cloud, queue_alarm(), region="us-west-2")
    assert until(lambda: state(stack, "Alarm") == "OK")
    stack.client("sqs").send_message(QueueUrl=stack["Dead"], MessageBody="failed")
    said = until(lambda: heard(stack))
    assert [(message["NewStateValue"], message["AlarmName"]) for message in said] == [("ALARM", stack["Alarm"])]


def test_an_encrypted_topic_must_admit_cloudwatch(cloud: LocalCloud) -> None:
    resources = {"Key": key(), **queue_alarm(KmsMasterKeyId={"Ref": "Key"})}
    stack = deploy(cloud, resources)
    stack.client("sqs").send_message(QueueUrl=stack["Dead"], MessageBody="failed")
    assert until(lambda: state(stack, "Alarm") == "ALARM")
    assert not until(lambda: heard(stack), seconds=0.6)


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


def test_without_permission_to_log_nothing_is_logged(cloud: LocalCloud) -> None:
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
        return {
            "Type": "AWS::Route53::HealthCheck",
            "Properties": {"HealthCheckConfig": configuration, "HealthCheckTags": tags},
        }

    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Api", "ApiEndpoint"]}]}]}
    https = {"Type": "HTTPS", "FullyQualifiedDomainName": host, "RequestInterval": 10, "FailureThreshold": 2}
    resources = {
        **api("NONE"),
        "Alarm": alarm(Namespace="Test", MetricName="Health", TreatMissingData="notBreaching"),
        "Good": check(**https, ResourcePath="/healthz"),
        "Bad": check(**https, ResourcePath="/nothing"),
        "Watch": check(
            Type="CLOUDWATCH_METRIC",
            AlarmIdentifier={"Name": {"Ref": "Alarm"}, "Region": {"Ref": "AWS::Region"}},
            InsufficientDataHealthStatus="Unhealthy",
        ),
        "Both": check(Type="CALCULATED", ChildHealthChecks=[{"Ref": "Good"}, {"Ref": "Watch"}], HealthThreshold=2),
        "Opposite": check(**https, ResourcePath="/nothing", Inverted=True),
    }
    stack = deploy(cloud, resources, region="us-west-2")
    assert health(stack, "Good").startswith("Success: HTTP status code 200")
    assert health(stack, "Bad").startswith("Failure: HTTP status code 404")
    assert health(stack, "Opposite").startswith("Success")
    assert until(lambda: health(stack, "Watch").startswith("Success"))
    assert health(stack, "Both").startswith("Success")
    put(stack, "Health", 5)
    assert until(lambda: health(stack, "Watch").startswith("Failure"))
    assert health(stack, "Both").startswith("Failure: 1 of 2")
    tags = stack.client("route53").list_tags_for_resource(ResourceType="healthcheck", ResourceId=stack["Good"])
    assert tags["ResourceTagSet"]["Tags"] == [{"Key": "Name", "Value": "test"}]


def test_a_zone_with_a_vpc_is_private_and_keeps_failover_records(cloud: LocalCloud) -> None:
    def record(which: str, target: str) -> dict[str, Any]:
        properties = {
            "HostedZoneId": {"Ref": "Zone"},
            "Name": "api.lockstep.internal",
            "Type": "CNAME",
            "TTL": "60",
            "SetIdentifier": which,
            "Failover": which,
            "ResourceRecords": [target],
            "HealthCheckId": {"Ref": "Check"},
        }
        return {"Type": "AWS::Route53::RecordSet", "Properties": properties}

    check = {"HealthCheckConfig": {"Type": "HTTP", "IPAddress": "127.0.0.1", "Port": 9}}
    zone = {
        "Name": "lockstep.internal",
        "VPCs": [{"VPCId": {"Ref": "Vpc"}, "VPCRegion": "us-east-1"}],
        "HostedZoneTags": [{"Key": "Owner", "Value": "me"}],
    }
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
        "Zone": {"Type": "AWS::Route53::HostedZone", "Properties": zone},
        "Check": {"Type": "AWS::Route53::HealthCheck", "Properties": check},
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


def test_a_log_group_under_a_key_that_does_not_admit_it_cannot_be_made(cloud: LocalCloud) -> None:
    group = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    }
    with pytest.raises(AssertionError, match="does not let CloudWatch Logs"):
        deploy(cloud, {"Key": key(), "Group": group})
    admitting = key()
    admitting["Properties"]["KeyPolicy"]["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:000000000000:*"}},
        }
    )
    stack = deploy(cloud, {"Key": admitting, "Group": group})
    described = stack.client("logs").describe_log_groups(logGroupNamePrefix=stack["Group"])["logGroups"][0]
    assert described["retentionInDays"] == 30
    assert described["kmsKeyId"].endswith(stack["Key"])
