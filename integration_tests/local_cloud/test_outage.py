"""Test a region that is down: it answers, runs and delivers nothing, and the other one continues."""

from __future__ import annotations

import datetime as dt
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, deploy, function, impatient, role, until
from integration_tests.local_cloud.test_buckets import bucket
from integration_tests.local_cloud.test_functions import api, depth, fetch, looping
from integration_tests.local_cloud.test_monitoring import alarm, health, state

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def test_region_that_is_down_answers_nothing_and_resumes_afterwards(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, looping(), region=WEST)
    queue, west, east = stack["Queue"], impatient(disturbed, "sts", WEST), disturbed.client("sts", EAST)
    stack.client("sqs").send_message(QueueUrl=queue, MessageBody='{"hop": 12}', DelaySeconds=1)
    disturbed.region_down(WEST)
    with pytest.raises(ClientError, match="503"):
        west.get_caller_identity()
    east.get_caller_identity()
    until(lambda: False, seconds=1.6)
    disturbed.region_up(WEST)
    assert depth(stack, "Dead") == 0
    assert until(lambda: depth(stack, "Dead")) == 1


def queue_of_a_function_that_is_cut_off(cloud: LocalCloud, source: str) -> Stack:
    """Invoke a function of the secondary, take its region down after its first message, and return its queue's stack."""
    seen = deploy(cloud, {"Queue": cfn.resource("SQS::Queue")})
    resources = {
        "Role": role("lambda.amazonaws.com", allow("sqs:SendMessage")),
        "Function": function(source, "Role", variables={"QUEUE": seen["Queue"]}),
    }
    stack = deploy(cloud, resources, region=WEST)
    stack.client("lambda").invoke(FunctionName=stack["Function"], InvocationType="Event")
    assert until(lambda: depth(seen, "Queue")) == 1
    cloud.region_down(WEST)
    return seen


def test_region_that_is_down_retries_invocations_when_it_is_back(disturbed: LocalCloud) -> None:
    source = """
        import boto3, os
        def handler(event, context):
            boto3.client("sqs", "us-east-1").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="tried")
            raise RuntimeError("again")
    """
    seen = queue_of_a_function_that_is_cut_off(disturbed, source)
    # Both retries would be over by then.
    until(lambda: False, seconds=2.5)
    back = time.time()
    disturbed.region_up(WEST)
    assert until(lambda: depth(seen, "Queue") == 3)
    times = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["SentTimestamp"]}
    messages = seen.client("sqs").receive_message(QueueUrl=seen["Queue"], **times)["Messages"]
    _, *retries = sorted(int(message["Attributes"]["SentTimestamp"]) for message in messages)
    assert [sent >= int(back * 1000) for sent in retries] == [True, True]


def test_function_is_killed_between_two_of_its_calls(disturbed: LocalCloud) -> None:
    source = """
        import boto3, os
        def handler(event, context):
            client, name = boto3.client("dynamodb"), os.environ["TABLE"]
            if event["first"]:
                client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": {"pk": {"S": "first"}}}}]})
            client.put_item(TableName=name, Item={"pk": {"S": "second"}})
            return "done"
    """
    resources = {
        "Table": cfn.simple_table(),
        "Role": role("lambda.amazonaws.com", allow("dynamodb:*")),
        "Function": function(source, "Role", variables={"TABLE": cfn.ref("Table")}),
    }
    stack = deploy(disturbed, resources, region=WEST)

    def invoke(*, first: bool) -> tuple[dict[str, Any], set[str]]:
        payload = json.dumps({"first": first}).encode()
        answer = stack.client("lambda").invoke(FunctionName=stack["Function"], Payload=payload)
        rows = stack.client("dynamodb").scan(TableName=stack["Table"])["Items"]
        for row in rows:
            stack.client("dynamodb").delete_item(TableName=stack["Table"], Key=row)
        return answer, {row["pk"]["S"] for row in rows}

    disturbed.set_crash(WEST, "BatchWriteItem", "PutItem", 1)
    answer, rows = invoke(first=True)
    assert "FunctionError" in answer
    assert rows == {"first"}
    answer, rows = invoke(first=False)
    assert "FunctionError" not in answer
    assert rows == {"second"}
    disturbed.set_crash(WEST, "BatchWriteItem", "PutItem", 0)
    answer, rows = invoke(first=True)
    assert "FunctionError" not in answer
    assert rows == {"first", "second"}


def test_messages_in_flight_return_before_their_timeout(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {"Queue": cfn.resource("SQS::Queue")}, region=WEST)
    sqs, queue = stack.client("sqs"), stack["Queue"]
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    assert len(sqs.receive_message(QueueUrl=queue, VisibilityTimeout=3600)["Messages"]) == 1
    disturbed.return_messages(EAST)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    disturbed.return_messages(WEST)
    assert len(sqs.receive_message(QueueUrl=queue)["Messages"]) == 1


def test_bucket_of_a_region_that_is_down_answers_no_request(disturbed: LocalCloud) -> None:
    lost, left = (deploy(disturbed, {"Bucket": bucket("outage")}, region=region)["Bucket"] for region in (EAST, WEST))
    western = impatient(disturbed, "s3", WEST)
    # As AWS does, the cloud redirects it, and the client signs it again for the bucket's own region.
    western.put_object(Bucket=lost, Key="a", Body=b"x")
    modern = Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={})
    signer = disturbed.client("s3", EAST, config=modern)
    link = signer.generate_presigned_url("get_object", Params={"Bucket": lost, "Key": "a"})
    assert fetch(link) == (200, "x")
    disturbed.region_down(EAST)
    with pytest.raises(ClientError, match="503"):
        western.get_object(Bucket=lost, Key="a")
    assert fetch(link)[0] == 503
    western.put_object(Bucket=left, Key="a", Body=b"x")


def test_global_services_cannot_be_changed_without_us_east_1(disturbed: LocalCloud) -> None:
    resources = {"Role": role("lambda.amazonaws.com", allow("s3:ListAllMyBuckets"))}
    stack = deploy(disturbed, resources, region=WEST)
    disturbed.region_down(EAST)
    with pytest.raises(ClientError, match="503"):
        impatient(disturbed, "iam", WEST).list_roles()
    with pytest.raises(ClientError, match="503"):
        impatient(disturbed, "route53", WEST).create_hosted_zone(Name="example", CallerReference="outage")
    assert "HostedZones" in disturbed.client("route53", WEST).list_hosted_zones()
    assert "Buckets" in stack.assume("Role", "s3").list_buckets()
    with pytest.raises(ClientError, match="not authorized"):
        stack.assume("Role", "sqs").list_queues()


def test_open_route_of_a_region_that_is_down_fails_its_health_check(disturbed: LocalCloud) -> None:
    lost = deploy(disturbed, api("NONE"), {"Host": cfn.HOST}, region=WEST)
    watcher = deploy(disturbed, {"Check": cfn.ready_check(lost.outputs()["Host"])})
    url = f"{disturbed.api_url(lost['Api'])}/healthz"
    assert health(watcher, "Check").startswith("Success")
    disturbed.region_down(WEST)
    assert fetch(url)[0] == 503
    assert health(watcher, "Check").startswith("Failure: HTTP status code 503")
    disturbed.region_up(WEST)
    assert health(watcher, "Check").startswith("Success")


def test_alarms_of_a_region_that_is_down_do_not_change(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {"Alarm": alarm(Namespace="Test", MetricName="Ahead")}, region=WEST)
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1.5)
    point = {"MetricName": "Ahead", "Value": 9, "Timestamp": ahead}
    stack.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[point])
    disturbed.region_down(WEST)
    until(lambda: False, seconds=3.5)
    back = int(time.time())
    disturbed.region_up(WEST)
    assert until(lambda: state(stack, "Alarm") == "ALARM")
    (changed,) = stack.client("cloudwatch").describe_alarms(AlarmNames=[stack["Alarm"]])["MetricAlarms"]
    assert changed["StateUpdatedTimestamp"].timestamp() >= back


def test_stack_output_is_read_in_the_references_region(disturbed: LocalCloud) -> None:
    parameter = cfn.resource("SSM::Parameter", Type="String", Value="x")
    producer = deploy(disturbed, {"P": parameter}, {"Where": cfn.ref("AWS::Region")}, region="us-west-2")
    reference = {"StackName": producer.name, "OutputName": "Where", "Region": "us-west-2"}
    consumer = cfn.resource(
        "SSM::Parameter", Type="String", Value={"Fn::Join": ["-", ["from", {"Fn::GetStackOutput": reference}]]}
    )
    stack = deploy(disturbed, {"P": consumer})
    value = stack.client("ssm").get_parameter(Name=stack["P"])["Parameter"]["Value"]
    assert value == "from-us-west-2"
    elsewhere = {"Fn::GetStackOutput": {**reference, "Region": "us-east-1"}}
    lost = {**parameter, "Properties": {"Type": "String", "Value": elsewhere}}
    with pytest.raises(AssertionError, match="not found"):
        deploy(disturbed, {"P": lost})
    disturbed.region_down("us-west-2")
    with pytest.raises(AssertionError, match="us-west-2 is down"):
        deploy(disturbed, {"P": consumer})


def timed(cloud: LocalCloud, service: str, region: str, read_timeout: float) -> Any:  # noqa: ANN401 - a boto3 client
    """Return a client without retries and with a longer timeout."""
    once = Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=read_timeout)
    return cloud.client(service, region, config=once)


def test_region_that_is_down_hangs_until_the_client_gives_up(disturbed: LocalCloud) -> None:
    disturbed.set_outage("hang")
    disturbed.region_down(WEST)
    with pytest.raises(ReadTimeoutError):
        timed(disturbed, "sts", WEST, 0.5).get_caller_identity()
    disturbed.client("sts", EAST).get_caller_identity()


def test_request_that_hangs_is_reset_when_the_region_is_back(disturbed: LocalCloud) -> None:
    disturbed.set_outage("hang")
    disturbed.region_down(WEST)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(timed(disturbed, "sts", WEST, 30).get_caller_identity)
        assert not until(hanging.done, seconds=0.7)
        disturbed.region_up(WEST)
        with pytest.raises(ConnectionClosedError):
            hanging.result(10)


def test_region_that_is_down_can_reset_connections(disturbed: LocalCloud) -> None:
    disturbed.set_outage("reset")
    disturbed.region_down(WEST)
    with pytest.raises(ConnectionClosedError):
        timed(disturbed, "sts", WEST, 30).get_caller_identity()


def test_stalled_api_hangs_until_the_client_gives_up(disturbed: LocalCloud) -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200}\n"
    stack = deploy(disturbed, {"Role": role("lambda.amazonaws.com"), "Function": function(source, "Role")}, region=WEST)
    disturbed.set_outage("hang")
    disturbed.region_stall(WEST)
    with pytest.raises(ReadTimeoutError):
        timed(disturbed, "lambda", WEST, 0.5).invoke(FunctionName=stack["Function"])


def test_answer_is_lost_after_the_effect(disturbed: LocalCloud) -> None:
    resources = {"Role": role(disturbed.account, allow("dynamodb:*")), "Table": cfn.simple_table()}
    stack = deploy(disturbed, resources, region=WEST)
    writer = stack.assume("Role", "dynamodb", config=Config(proxies={}, retries={"total_max_attempts": 1}))
    disturbed.set_lost_answers(WEST, 1)
    with pytest.raises(ConnectionClosedError):
        writer.put_item(TableName=stack["Table"], Item={"pk": {"S": "a"}})
    # Root is not disturbed: what a region holds can be read meanwhile.
    root = disturbed.client("dynamodb", WEST)
    assert root.get_item(TableName=stack["Table"], Key={"pk": {"S": "a"}})["Item"] == {"pk": {"S": "a"}}
    disturbed.set_lost_answers(WEST, 0)
    writer.put_item(TableName=stack["Table"], Item={"pk": {"S": "b"}})


def test_answer_is_lost_when_the_region_goes_down_meanwhile(disturbed: LocalCloud) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(1.5)\n"
    stack = deploy(disturbed, {"Role": role("lambda.amazonaws.com"), "Function": function(source, "Role")}, region=WEST)
    disturbed.set_outage("reset")
    with ThreadPoolExecutor() as pool:
        running = pool.submit(timed(disturbed, "lambda", WEST, 30).invoke, FunctionName=stack["Function"])
        until(lambda: False, seconds=0.8)
        disturbed.region_down(WEST)
        with pytest.raises(ConnectionClosedError):
            running.result(20)


def test_running_function_is_killed_with_its_region_and_tried_again(disturbed: LocalCloud) -> None:
    source = """
        import boto3, os, time
        def handler(event, context):
            sqs = boto3.client("sqs", "us-east-1")
            sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody="begun")
            time.sleep(1.5)
            sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody="ended")
    """
    seen = queue_of_a_function_that_is_cut_off(disturbed, source)
    assert not until(lambda: depth(seen, "Queue") > 1, seconds=2.5)
    disturbed.region_up(WEST)
    assert until(lambda: depth(seen, "Queue") == 3)


def test_function_is_killed_at_its_timeout(disturbed: LocalCloud) -> None:
    source = """
        import os, time
        def handler(event, context):
            open(event, "w").write(str(os.getpid()))
            time.sleep(60)
    """
    file = disturbed.log.parent / "process"
    stack = deploy(disturbed, {"Role": role("lambda.amazonaws.com"), "Function": function(source, "Role", Timeout=1)})
    answer = stack.client("lambda").invoke(FunctionName=stack["Function"], Payload=json.dumps(str(file)))
    assert answer["FunctionError"] == "Unhandled"
    assert "timed out" in answer["Payload"].read().decode()
    process = int(file.read_text("utf-8"))
    assert until(lambda: not Path(f"/proc/{process}").exists())
