"""The queues: how long they keep, who may send to them, and where what fails goes."""

from typing import Any

import pytest
from aws_cdk import Duration, Stack

from infra.constructs.queue import AsyncDeadLetterQueue, IngestQueue
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, stack_in

FOURTEEN_DAYS = 14 * 24 * 3600
NAMES = ("serverless-ingest-prod", "serverless-ingest-dlq-prod", "serverless-async-dlq-prod")


def queues_stack(*, timeout: Duration | None = None) -> Stack:
    of = context()
    stack = stack_in(of)
    key = key_in(stack)
    queue = IngestQueue(stack, "Ingest", context=of, key=key, function_timeout=timeout or Duration.seconds(300))
    queue.allow_notifications(f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-west-2-an")
    AsyncDeadLetterQueue(stack, "Async", context=of, key=key)
    return stack


def queues(stack: Stack) -> dict[str, dict[str, Any]]:
    return {queue["QueueName"]: queue for queue in of_type(stack, "AWS::SQS::Queue").values()}


def statements(stack: Stack, name: str) -> list[dict[str, Any]]:
    (queue_id,) = (id_ for id_, queue in of_type(stack, "AWS::SQS::Queue").items() if queue["QueueName"] == name)
    policies = of_type(stack, "AWS::SQS::QueuePolicy").values()
    return [
        statement
        for policy in policies
        if policy["Queues"] == [{"Ref": queue_id}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_there_are_three() -> None:
    assert set(queues(queues_stack())) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_encrypted_by_our_key_and_keeps_as_long_as_sqs_can(name: str) -> None:
    stack = queues_stack()
    (key,) = of_type(stack, "AWS::KMS::Key")
    queue = queues(stack)[name]
    assert queue["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS


@pytest.mark.parametrize("name", NAMES)
def test_each_refuses_whoever_comes_without_tls(name: str) -> None:
    refused = [each for each in statements(queues_stack(), name) if each["Effect"] == "Deny"]
    assert [(each["Action"], each["Principal"], each["Condition"]) for each in refused] == [
        ("sqs:*", {"AWS": "*"}, {"Bool": {"aws:SecureTransport": "false"}})
    ]


def test_a_message_that_fails_five_times_goes_to_the_dead_letter_queue() -> None:
    stack = queues_stack()
    (dead_letters,) = (id_ for id_, queue in of_type(stack, "AWS::SQS::Queue").items() if queue["QueueName"] == NAMES[1])
    assert queues(stack)[NAMES[0]]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 5,
    }


def test_only_the_ingest_queue_redrives_to_its_dead_letter_queue() -> None:
    found = queues(queues_stack())
    assert found[NAMES[1]]["RedriveAllowPolicy"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [f"arn:aws:sqs:us-west-2:{ACCOUNT}:serverless-ingest-prod"],
    }
    assert found[NAMES[2]]["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


@pytest.mark.parametrize("seconds", [10, 300, 900])
def test_a_message_is_hidden_for_six_timeouts_of_the_function(seconds: int) -> None:
    stack = queues_stack(timeout=Duration.seconds(seconds))
    assert queues(stack)[NAMES[0]]["VisibilityTimeout"] == 6 * seconds


def test_s3_may_send_for_one_bucket_of_this_account_and_nobody_else_may() -> None:
    (allowed,) = (each for each in statements(queues_stack(), NAMES[0]) if each["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-west-2-an"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }
    for name in NAMES[1:]:
        assert not [each for each in statements(queues_stack(), name) if each["Effect"] == "Allow"], name
