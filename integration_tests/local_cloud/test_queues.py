"""Test queues: the policies of their keys, their metrics, and redriven messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import Stack, allow, deploy, key, role, until, values
from integration_tests.local_cloud.test_functions import depth, looping, problem

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def sealed_queue(**properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    return cfn.resource("SQS::Queue", KmsMasterKeyId=cfn.att("Key"), **properties)


def test_encrypted_queue_needs_its_key_to_send_and_to_receive(cloud: LocalCloud) -> None:
    use = allow("sqs:SendMessage", "sqs:ReceiveMessage", "kms:Decrypt", "kms:GenerateDataKey")
    resources = {"Caller": role("lambda.amazonaws.com", use), "Key": key(), "Queue": sealed_queue()}
    stack = deploy(cloud, resources)
    caller, queue = stack.assume("Caller", "sqs"), stack["Queue"]
    requests: dict[str, dict[str, Any]] = {
        "send_message": {"MessageBody": "x"},
        "send_message_batch": {"Entries": [{"Id": "1", "MessageBody": "x"}]},
        "receive_message": {},
    }
    for method, request in requests.items():
        with pytest.raises(ClientError, match="KmsAccessDenied"):
            getattr(caller, method)(QueueUrl=queue, **request)
    stack.update({**resources, "Key": key(cfn.att("Caller"))})
    caller.send_message(QueueUrl=queue, MessageBody="x")
    assert caller.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "x"

    stack.client("kms").disable_key(KeyId=stack["Key"])
    with pytest.raises(ClientError, match="disabled"):
        caller.send_message(QueueUrl=queue, MessageBody="x")


def test_batch_request_needs_the_single_requests_permission(cloud: LocalCloud) -> None:
    resources = {
        "Single": role("lambda.amazonaws.com", allow("sqs:SendMessage")),
        "Batch": role("lambda.amazonaws.com", allow("sqs:SendMessageBatch")),
        "Queue": cfn.resource("SQS::Queue"),
    }
    stack = deploy(cloud, resources)
    single, batch = (stack.assume(name, "sqs") for name in ("Single", "Batch"))
    request = {"QueueUrl": stack["Queue"], "Entries": [{"Id": "1", "MessageBody": "x"}]}
    assert single.send_message_batch(**request)["Successful"]
    with pytest.raises(ClientError, match="not authorized to perform: sqs:SendMessage "):
        batch.send_message_batch(**request)


def test_events_reach_an_encrypted_queue_only_if_its_key_admits_s3(cloud: LocalCloud) -> None:
    resources = {"Key": key(), "Queue": sealed_queue(), **cfn.notifying()}
    stack = deploy(cloud, resources)
    put = {"Bucket": stack["Bucket"], "Key": "a", "Body": b"x"}
    stack.client("s3").put_object(**put)
    assert not until(lambda: depth(stack, "Queue"), seconds=0.6)
    stack.update({**resources, "Key": key(admitted=cfn.admit("s3.amazonaws.com", "kms:GenerateDataKey", "kms:Decrypt"))})
    before = depth(stack, "Queue")
    stack.client("s3").put_object(**put)
    assert until(lambda: depth(stack, "Queue") == before + 1)


def test_mapping_of_an_encrypted_queue_needs_its_key(cloud: LocalCloud) -> None:
    resources = looping()
    sealed = resources["Queue"]["Properties"] | {"KmsMasterKeyId": cfn.att("Key")}
    use = allow("sqs:*", "kms:Decrypt", "kms:GenerateDataKey")
    resources |= {
        "Key": key(),
        "Queue": cfn.resource("SQS::Queue", **sealed),
        "Role": role("lambda.amazonaws.com", use),
    }
    stack = deploy(cloud, resources)
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 15}')

    assert "kms:Decrypt" in until(lambda: problem(stack))
    assert depth(stack, "Queue") == 1
    stack.update({**resources, "Key": key(cfn.att("Role"))})
    assert until(lambda: depth(stack, "Queue") > 1 or depth(stack, "Dead"))


def measured(stack: Stack, queue: str, metric: str) -> float:
    name = stack[queue].rpartition("/")[2]
    return max(values(stack.client("cloudwatch"), "AWS/SQS", metric, "Maximum", QueueName=name), default=-1.0)


def test_queue_metrics_show_waiting_and_in_flight_messages_and_age(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Queue": cfn.resource("SQS::Queue"), "Other": cfn.resource("SQS::Queue")})
    sqs, queue = stack.client("sqs"), stack["Queue"]
    for body in ("read", "waits", "waits too"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=60)
    sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)
    assert until(lambda: measured(stack, "Queue", "ApproximateNumberOfMessagesNotVisible") == 1)
    assert until(lambda: measured(stack, "Queue", "ApproximateNumberOfMessagesDelayed") == 1)
    assert until(lambda: measured(stack, "Queue", "ApproximateNumberOfMessagesVisible") in (2, 3))
    assert until(lambda: measured(stack, "Queue", "ApproximateAgeOfOldestMessage") >= 1)
    assert measured(stack, "Other", "ApproximateNumberOfMessagesVisible") == 0


def arn_of(stack: Stack, queue: str) -> str:
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack[queue], AttributeNames=["QueueArn"])["Attributes"]
    return str(attributes["QueueArn"])


def test_messages_move_from_a_dead_letter_queue_to_where_they_came_from(cloud: LocalCloud) -> None:
    resources = looping(ReservedConcurrentExecutions=0)
    del resources["Mapping"]
    stack = deploy(cloud, resources)
    sqs = stack.client("sqs")
    sqs.set_queue_attributes(QueueUrl=stack["Queue"], Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=stack["Queue"], MessageBody="poison")

    def exhausted() -> bool:
        sqs.receive_message(QueueUrl=stack["Queue"])
        return depth(stack, "Dead") == 1

    assert until(exhausted)
    arns = {name: arn_of(stack, name) for name in ("Queue", "Dead")}
    with pytest.raises(ClientError, match="Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arns["Queue"])
    sqs.start_message_move_task(SourceArn=arns["Dead"])
    assert until(lambda: depth(stack, "Queue")) == 1
    assert depth(stack, "Dead") == 0
    task = until(
        lambda: [t for t in sqs.list_message_move_tasks(SourceArn=arns["Dead"])["Results"] if t["Status"] == "COMPLETED"]
    )
    assert task[0]["ApproximateNumberOfMessagesMoved"] == 1


def test_move_keeps_its_rate_and_destination_and_can_be_cancelled(cloud: LocalCloud) -> None:
    redrive = {"deadLetterTargetArn": cfn.att("Dead"), "maxReceiveCount": 5}
    resources = {name: cfn.resource("SQS::Queue") for name in ("Dead", "Elsewhere")}
    stack = deploy(cloud, {**resources, "Queue": cfn.resource("SQS::Queue", RedrivePolicy=redrive)})
    sqs, dead, elsewhere = stack.client("sqs"), arn_of(stack, "Dead"), arn_of(stack, "Elsewhere")
    for number in range(6):
        sqs.send_message(QueueUrl=stack["Dead"], MessageBody=str(number))
    task = sqs.start_message_move_task(SourceArn=dead, DestinationArn=elsewhere, MaxNumberOfMessagesPerSecond=2)
    with pytest.raises(ClientError, match="already a task running"):
        sqs.start_message_move_task(SourceArn=dead)
    assert until(lambda: depth(stack, "Elsewhere") == 2)
    sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
    assert until(lambda: sqs.list_message_move_tasks(SourceArn=dead)["Results"][0]["Status"] == "CANCELLED")
    moved = depth(stack, "Elsewhere")
    assert 2 <= moved < 6
    assert depth(stack, "Dead") == 6 - moved
    assert depth(stack, "Queue") == 0
