"""Test the queues: their retention is the maximum, and failed messages become dead letters."""

from typing import Any

from aws_cdk import Duration, Stack

from infra.constructs.queue import AsyncDeadLetterQueue, IngestQueue
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, stack_in

NAMES = ("serverless-ingest-prod", "serverless-ingest-dlq-prod", "serverless-async-dlq-prod")


def queues_stack() -> Stack:
    of = context()
    stack = stack_in(of)
    key = key_in(stack)
    IngestQueue(stack, "Ingest", context=of, key=key, function_timeout=Duration.seconds(300))
    AsyncDeadLetterQueue(stack, "Async", context=of, key=key)
    return stack


def queues(stack: Stack) -> dict[str, dict[str, Any]]:
    return {queue["QueueName"]: queue for queue in of_type(stack, "AWS::SQS::Queue").values()}


def test_queue_retention_is_the_maximum() -> None:
    found = queues(queues_stack())
    assert {name: queue["MessageRetentionPeriod"] for name, queue in found.items()} == dict.fromkeys(NAMES, 14 * 24 * 3600)


def test_message_that_fails_five_times_becomes_a_dead_letter() -> None:
    stack = queues_stack()
    (dead_letters,) = (id_ for id_, queue in of_type(stack, "AWS::SQS::Queue").items() if queue["QueueName"] == NAMES[1])
    assert queues(stack)[NAMES[0]]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 5,
    }
