"""The topic: encrypted, and open to our alarms alone."""

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.constructs.alarm_topic import AlarmTopic
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, only, stack_in


def topic_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    AlarmTopic(stack, "AlarmTopic", context=of, key=key_in(stack))
    return stack


def test_the_topic_is_encrypted_by_a_key_of_ours() -> None:
    topic = only(topic_stack(), "AWS::SNS::Topic")
    assert topic["TopicName"] == "serverless-alarms-prod"
    assert "Fn::GetAtt" in topic["KmsMasterKeyId"]


# "many" would be torn apart by a careless replacement of a word within the name.
@pytest.mark.parametrize("environment", ["prod", "many"])
def test_only_alarms_of_this_region_and_environment_may_publish_and_only_over_tls(environment: str) -> None:
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
