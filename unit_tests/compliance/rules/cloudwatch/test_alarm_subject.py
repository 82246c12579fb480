"""ActivePassive-CloudWatchAlarmSubject."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import EAST, WEST, alone, function, queue, replicating, table
from unit_tests.compliance.rules.corruptions import UNKNOWN
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CloudWatchAlarmSubject"
EAST_BUCKET = "serverless-ingest-prod-000000000000-us-east-1-an"
API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}}


def _on(namespace: str, name: str, **dimensions: Any) -> dict[str, Any]:  # noqa: ANN401
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    settings = {"Namespace": namespace, "MetricName": name, "Dimensions": listed, "Statistic": "Sum", "Period": 60}
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": settings}


def _query(it: dict[str, Any]) -> dict[str, Any]:
    """Return the same alarm, with its metric as a query."""
    given = dict(it["Properties"])
    stat = {"Stat": given.pop("Statistic"), "Period": given.pop("Period"), "Metric": given}
    return {"Type": it["Type"], "Properties": {"Metrics": [{"Id": "a", "MetricStat": stat}]}}


def _says(it: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, "It", *_world(it))


def _world(it: dict[str, Any]) -> tuple[Any, ...]:
    resources = {"It": it, "Queue": queue(), "Function": function(), "Bucket": replicating(), "Api": API}
    return alone(resources, EAST), alone({"Table": table()}, WEST)


AGE = _on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-prod")
REPLICATION = {"SourceBucket": EAST_BUCKET, "DestinationBucket": {"Ref": "Bucket"}, "RuleId": "all"}


@pytest.mark.parametrize(
    "it",
    [
        AGE,
        _query(AGE),
        _on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName={"Fn::GetAtt": ["Queue", "QueueName"]}),
        _on("AWS/Lambda", "Errors", FunctionName={"Ref": "Function"}),
        _on("AWS/Lambda", "ConcurrentExecutions"),
        _on("AWS/ApiGateway", "5xx", ApiId={"Ref": "Api"}),
        _on("AWS/DynamoDB", "ReplicationLatency", TableName="serverless-ledger-prod", ReceivingRegion=WEST),
        _on("AWS/DynamoDB", "ReadThrottleEvents", TableName="serverless-ledger-prod", GlobalSecondaryIndexName="by_file"),
        _on("AWS/S3", "ReplicationLatency", **REPLICATION),
        _on("Ours", "Anything", Whatever="it-is"),
    ],
)
def test_published_metric_of_a_present_resource_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-other"),
        _query(_on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-other")),
        _on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName={"Ref": "Function"}),
        _on("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        _on("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=None),
        _on("AWS/Lambda", "Errors", FunctionName="another"),
        _on("AWS/ApiGateway", "5xx", ApiId="abcdef"),
        _on("AWS/DynamoDB", "ReplicationLatency", TableName="serverless-ledger-prod"),
        _on("AWS/DynamoDB", "SystemErrors", TableName="serverless-ledger-prod"),
        _on("AWS/DynamoDB", "SystemErrors", TableName="serverless-ledger-other", Operation="GetItem"),
        _on("AWS/DynamoDB", "ReadThrottleEvents", TableName="serverless-ledger-prod", GlobalSecondaryIndexName="by_day"),
        _on("AWS/S3", "ReplicationLatency", SourceBucket=EAST_BUCKET, RuleId="all"),
        _on("AWS/S3", "ReplicationLatency", **{**REPLICATION, "RuleId": "another"}),
        _on("AWS/S3", "ReplicationLatency", **{**REPLICATION, "SourceBucket": "another-bucket"}),
    ],
)
def test_alarm_without_data_fails(it: dict[str, Any]) -> None:
    assert _says(it) is FAIL


def test_published_dimensions_are_reported() -> None:
    it = _on("AWS/DynamoDB", "ReplicationLatency", TableName="serverless-ledger-prod")
    text = message_in(RULE, "It", *_world(it))
    assert "publishes ReplicationLatency by ReceivingRegion, TableName, not by TableName" in text


@pytest.mark.parametrize("it", [_on("AWS/SQS", "A", QueueName=UNKNOWN), _on(UNKNOWN, "A")])  # type: ignore[arg-type]
def test_unresolved_value_is_not_evaluated(it: dict[str, Any]) -> None:
    assert _says(it) is NOT_EVALUATED
