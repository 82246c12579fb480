"""A function that a schedule runs, with all that lets it run and fail well, to damage in tests."""

from typing import Any

from unit_tests.compliance.rules.builders import dead_letter_queue, function
from unit_tests.compliance.rules.corruptions import Resource

RULE_ARN: dict[str, Any] = {"Fn::GetAtt": ["Clock", "Arn"]}


def clock(**changes: Any) -> Resource:  # noqa: ANN401
    """Return an EventBridge rule that runs `Function` every minute; None takes a property away."""
    target = {
        "Id": "observer",
        "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}},
    }
    properties = {
        "Name": "serverless-observe-prod",
        "ScheduleExpression": "rate(1 minute)",
        "State": "ENABLED",
        "Targets": [target],
        **changes,
    }
    return {"Type": "AWS::Events::Rule", "Properties": {k: v for k, v in properties.items() if v is not None}}


def permission(**changes: Any) -> Resource:  # noqa: ANN401
    """Leave for EventBridge to invoke the function for that rule."""
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
        "Principal": "events.amazonaws.com",
        "SourceArn": RULE_ARN,
        **changes,
    }
    return {"Type": "AWS::Lambda::Permission", "Properties": {k: v for k, v in properties.items() if v is not None}}


def queue_policy(**changes: Any) -> Resource:  # noqa: ANN401
    """Leave for EventBridge to put what it cannot hand over into the dead-letter queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Dead", "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": RULE_ARN}},
        **changes,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Dead"}], "PolicyDocument": document}}


def key(*actions: str, service: str = "events.amazonaws.com") -> Resource:
    """Return a key that lets a service do those actions."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}
    return {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]}}}


def scheduled_function(**changes: Any) -> dict[str, Resource]:  # noqa: ANN401
    """Return all of it; None takes a resource away."""
    dead = dead_letter_queue()
    dead["Properties"]["KmsMasterKeyId"] = {"Fn::GetAtt": ["Key", "Arn"]}
    resources = {
        "Clock": clock(),
        "Function": function("observer"),
        "Permission": permission(),
        "Dead": dead,
        "DeadPolicy": queue_policy(),
        "Key": key("kms:Decrypt", "kms:GenerateDataKey"),
        **changes,
    }
    return {name: resource for name, resource in resources.items() if resource is not None}
