"""A function that a schedule runs, with all that lets it run and fail well, to change in tests."""

from unit_tests.compliance.rules.builders import dead_letter_queue, function
from unit_tests.compliance.rules.corruptions import Resource, Value, changed, given, resource

RULE_ARN: dict[str, Value] = {"Fn::GetAtt": ["Clock", "Arn"]}
FUNCTION_ARN, DEAD_ARN = ({"Fn::GetAtt": [name, "Arn"]} for name in ("Function", "Dead"))


def clock(**changes: Value) -> Resource:
    """Return an EventBridge rule that runs `Function` every minute; None removes a property."""
    target = {"Id": "observer", "Arn": FUNCTION_ARN, "DeadLetterConfig": {"Arn": DEAD_ARN}}
    whole = {"Name": "serverless-observe-prod", "ScheduleExpression": "rate(1 minute)", "State": "ENABLED"}
    return resource("Events::Rule", **{**whole, "Targets": [target], **changes})


def permission(**changes: Value) -> Resource:
    """Return the permission of that rule to invoke the function."""
    whole = {"Action": "lambda:InvokeFunction", "FunctionName": FUNCTION_ARN, "Principal": "events.amazonaws.com"}
    return resource("Lambda::Permission", **{**whole, "SourceArn": RULE_ARN, **changes})


def queue_policy(**changes: Value) -> Resource:
    """Return the policy by which EventBridge may send failed events to the dead-letter queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": DEAD_ARN,
        "Condition": {"ArnEquals": {"aws:SourceArn": RULE_ARN}},
        **changes,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return resource("SQS::QueuePolicy", Queues=[{"Ref": "Dead"}], PolicyDocument=document)


def key(*actions: str, service: str = "events.amazonaws.com") -> Resource:
    """Return a key that a service may use for those actions."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Resource": "*"}
    return resource("KMS::Key", KeyPolicy={"Version": "2012-10-17", "Statement": [statement]})


def scheduled_function(**changes: Value) -> dict[str, Resource]:
    """Return all of it; None removes a resource."""
    resources = {
        "Clock": clock(),
        "Function": function("observer"),
        "Permission": permission(),
        "Dead": changed(dead_letter_queue(), "KmsMasterKeyId", to={"Fn::GetAtt": ["Key", "Arn"]}),
        "DeadPolicy": queue_policy(),
        "Key": key("kms:Decrypt", "kms:GenerateDataKey"),
    }
    return given(**{**resources, **changes})
