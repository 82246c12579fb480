"""Test the topic: it is encrypted, and only the platform's alarms may publish to it."""

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.queue import AsyncDeadLetterQueue
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in


def topic_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    key = key_in(stack)
    queue = AsyncDeadLetterQueue(stack, "AsyncDeadLetters", context=of, key=key).queue
    AlarmTopic(stack, "AlarmTopic", context=of, key=key, dead_letter_queue=queue)
    return stack


# "many" would be torn apart by a careless replacement of a word within the name.
@pytest.mark.parametrize("environment", ["prod", "many"])
def test_topic_admits_only_its_own_alarms_over_tls(environment: str) -> None:
    statements = only(topic_stack(environment=environment), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    by_effect = {statement["Effect"]: statement for statement in statements}
    assert len(statements) == 2
    assert by_effect["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert by_effect["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert by_effect["Allow"]["Action"] == "sns:Publish"
    assert by_effect["Allow"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:serverless-*-{environment}"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_somebody_is_written_to_if_the_settings_say_who() -> None:
    Template.from_stack(topic_stack()).resource_count_is("AWS::SNS::Subscription", 0)
    subscription = only(topic_stack(alarms_email="on-call@example.com"), "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "on-call@example.com")


def test_undeliverable_message_goes_to_a_queue_of_this_topic_only() -> None:
    stack = topic_stack(alarms_email="on-call@example.com")
    (queue,) = of_type(stack, "AWS::SQS::Queue")
    ((topic, _),) = of_type(stack, "AWS::SNS::Topic").items()
    redrive = only(stack, "AWS::SNS::Subscription")["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": [queue, "Arn"]}}
    allowed = [s for s in only(stack, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [(s["Principal"], s["Action"]) for s in allowed] == [({"Service": "sns.amazonaws.com"}, "sqs:SendMessage")]
    assert allowed[0]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": topic}}}


def test_alarm_address_changes_no_logical_id() -> None:
    ids = [set(of_type(topic_stack(alarms_email=to), "AWS::SNS::Subscription")) for to in ("a@example.com", "b@example.com")]
    assert ids[0] == ids[1]
