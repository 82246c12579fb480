"""ActivePassive-LambdaAsyncDeadLetters."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import WEST, alone, dead_letter_queue, function, mapping, pipeline
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

RULE = "ActivePassive-LambdaAsyncDeadLetters"
DEAD = {"Fn::GetAtt": ["Dead", "Arn"]}
PERMISSION: Resource = {
    "Type": "AWS::Lambda::Permission",
    "Properties": {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["It", "Arn"]},
        "Principal": "secretsmanager.amazonaws.com",
    },
}
CUSTOM: Resource = {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["It", "Arn"]}}}
ROTATION: Resource = {
    "Type": "AWS::SecretsManager::RotationSchedule",
    "Properties": {"SecretId": "s", "RotationLambdaARN": {"Fn::GetAtt": ["It", "Arn"]}},
}
CONFIG: Resource = {
    "Type": "AWS::Lambda::EventInvokeConfig",
    "Properties": {
        "FunctionName": {"Ref": "It"},
        "Qualifier": "$LATEST",
        "DestinationConfig": {"OnFailure": {"Destination": DEAD}},
    },
}

EDGES: dict[str, tuple[Resource, tuple[str | int, ...]]] = {
    "subscription": (
        {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"Protocol": "sqs", "RedrivePolicy": {"deadLetterTargetArn": DEAD}},
        },
        ("RedrivePolicy", "deadLetterTargetArn"),
    ),
    "event target": (
        {
            "Type": "AWS::Events::Rule",
            "Properties": {"Targets": [{"Id": "a", "Arn": "b", "DeadLetterConfig": {"Arn": DEAD}}]},
        },
        ("Targets", 0, "DeadLetterConfig", "Arn"),
    ),
    "schedule": (
        {"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": {"Arn": "b", "DeadLetterConfig": {"Arn": DEAD}}}},
        ("Target", "DeadLetterConfig", "Arn"),
    ),
    "stream": (
        {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                "DestinationConfig": {"OnFailure": {"Destination": DEAD}},
            },
        },
        ("DestinationConfig", "OnFailure", "Destination"),
    ),
}


def _with(it: Resource, **others: Resource) -> Verdict | None:
    return verdict_in(RULE, "It", alone({"Dead": dead_letter_queue(), **others, "It": it}))


@pytest.mark.parametrize("edge", EDGES)
def test_each_edge_needs_a_queue(edge: str) -> None:
    it, place = EDGES[edge]
    assert _with(it) is PASS
    assert _with(without(it, *place)) is FAIL
    assert _with(without(it, *place[:-1])) is FAIL
    assert _with(changed(it, *place, to=either(DEAD, {"Ref": "AWS::NoValue"}))) is FAIL
    assert _with(changed(it, *place, to="arn:aws:sqs:us-east-1:000000000000:elsewhere")) is NOT_EVALUATED
    assert _with(changed(it, *place, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(it, *place[:-1], to=UNKNOWN)) is NOT_EVALUATED


@pytest.mark.parametrize("invoked", [PERMISSION, CUSTOM, ROTATION, changed(PERMISSION, "Principal", to="s3.amazonaws.com")])
def test_function_that_somebody_invokes_without_waiting_needs_a_queue(invoked: Resource) -> None:
    unkept = without(function(), "DeadLetterConfig")
    assert _with(function(), By=invoked) is PASS
    assert _with(unkept, By=invoked) is FAIL
    assert _with(unkept, By=invoked, Config=CONFIG) is PASS
    without_destination = without(CONFIG, "DestinationConfig", "OnFailure")
    assert _with(unkept, By=invoked, Config=without_destination) is FAIL
    assert _with(changed(function(), "DeadLetterConfig", "TargetArn", to=UNKNOWN), By=invoked) is NOT_EVALUATED


def test_function_that_answers_or_reads_a_queue_is_not_judged() -> None:
    unkept = without(function(), "DeadLetterConfig")
    waiting = changed(PERMISSION, "Principal", to="apigateway.amazonaws.com")
    assert _with(unkept, By=waiting) is None
    assert verdict_in(RULE, "Function", alone({**pipeline(), "Function": unkept})) is None
    assert verdict_in(RULE, "Mapping", alone(pipeline())) is None


def test_queue_of_another_stack_is_found_by_its_arn() -> None:
    arn = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-dlq-prod"
    it = changed(function(), "DeadLetterConfig", "TargetArn", to=arn)
    here = alone({"It": it, "By": CUSTOM}, "eu-west-1")
    assert verdict_in(RULE, "It", here, alone({"Dead": dead_letter_queue()}, WEST)) is PASS
    assert verdict_in(RULE, "It", here) is NOT_EVALUATED


def test_message_to_a_person_is_no_edge() -> None:
    mail: dict[str, Any] = {"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "email", "Endpoint": "a@b.example"}}
    assert _with(mail) is None
    assert _with(changed(mail, "Protocol", to="lambda")) is FAIL
    assert _with(changed(mail, "Protocol", to=UNKNOWN)) is NOT_EVALUATED


def test_subscription_inside_a_topic_can_have_none() -> None:
    topic: dict[str, Any] = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"Subscription": [{"Protocol": "sqs", "Endpoint": "q"}]},
    }
    assert _with(topic) is FAIL
    assert _with(changed(topic, "Subscription", 0, "Protocol", to="email")) is None
    assert _with(changed(topic, "Subscription", to=UNKNOWN)) is NOT_EVALUATED
    assert _with({"Type": "AWS::SNS::Topic"}) is None


def test_mapping_of_an_unknown_source_is_not_evaluated() -> None:
    assert _with(changed(mapping(), "EventSourceArn", to=UNKNOWN)) is NOT_EVALUATED
