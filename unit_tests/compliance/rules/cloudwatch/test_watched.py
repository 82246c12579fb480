"""ActivePassive-CloudWatchWatched."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, pipeline, regional_bucket, replicating
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-CloudWatchWatched"
API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}}


def _alarm(namespace: str, name: Any, **dimensions: Any) -> dict[str, Any]:  # noqa: ANN401
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    settings = {"Namespace": namespace, "MetricName": name, "Dimensions": listed, "Statistic": "Sum", "Period": 60}
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": settings}


AGE = _alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-prod")
ERRORS = _alarm("AWS/Lambda", "Errors", FunctionName={"Ref": "Function"})


def _says(which: str, **alarms: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, which, alone({**pipeline(), **alarms}))


def test_watched_resource_passes() -> None:
    assert _says("Queue", Age=AGE) is PASS
    assert _says("Function", Errors=ERRORS) is PASS
    faults = _alarm("AWS/ApiGateway", "5xx", ApiId={"Ref": "It"})
    assert verdict_in(RULE, "It", alone({"It": API, "Faults": faults})) is PASS


@pytest.mark.parametrize(
    "alarm",
    [
        _alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-dlq-prod"),
        _alarm("AWS/SQS", "NumberOfMessagesSent", QueueName="serverless-ingest-prod"),
        _alarm("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        _alarm("Ours", "ApproximateAgeOfOldestMessage", QueueName="serverless-ingest-prod"),
        _alarm("AWS/SQS", either("ApproximateAgeOfOldestMessage", "A"), QueueName="serverless-ingest-prod"),
        {**AGE, "Condition": "ACondition"},
    ],
)
def test_alarm_on_something_else_is_none(alarm: dict[str, Any]) -> None:
    assert _says("Queue", Age=alarm) is FAIL
    assert _says("Function", Age=alarm) is FAIL


def test_alarm_of_the_other_region_is_none() -> None:
    assert verdict_in(RULE, "Queue", alone(pipeline(), EAST), alone({"Age": AGE}, WEST)) is FAIL


def test_unwatched_resource_is_reported() -> None:
    text = message_in(RULE, "Queue", alone(pipeline()))
    assert text == "no alarm of its region watches ApproximateAgeOfOldestMessage of it (AWS/SQS, by QueueName)"


def test_function_behind_an_api_is_watched_too() -> None:
    uri = {"ApiId": "a", "IntegrationType": "AWS_PROXY", "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]}}
    resources = {
        "Function": pipeline()["Function"],
        "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": uri},
    }
    assert verdict_in(RULE, "Function", alone(resources)) is FAIL
    assert verdict_in(RULE, "Function", alone({**resources, "Errors": ERRORS})) is PASS


def test_bucket_that_replicates_is_watched_where_it_is() -> None:
    failed = _alarm("AWS/S3", "OperationsFailedReplication", SourceBucket={"Ref": "It"})
    west = template({"It": regional_bucket()}, WEST)
    assert verdict_in(RULE, "It", template({"It": replicating()}, EAST), west) is FAIL
    assert verdict_in(RULE, "It", template({"It": replicating(), "Failed": failed}, EAST), west) is PASS


def test_resource_that_carries_no_work_is_not_judged() -> None:
    assert _says("Dead") is None
    assert says(RULE, pipeline()["Function"]) is None
    assert says(RULE, regional_bucket()) is None


def test_unreadable_value_is_not_evaluated() -> None:
    assert _says("Queue", Age=_alarm("AWS/SQS", UNKNOWN, QueueName="serverless-ingest-prod")) is NOT_EVALUATED
