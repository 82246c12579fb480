"""A region that is down: it answers nothing, runs nothing, delivers nothing; and the other one goes on."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from integration_tests.local_cloud.stacks_for_tests import (
    EAST,
    WEST,
    allow,
    assume,
    deploy,
    function,
    impatient,
    role,
    until,
)
from integration_tests.local_cloud.test_buckets import bucket
from integration_tests.local_cloud.test_functions import api, depth, fetch, looping
from integration_tests.local_cloud.test_monitoring import alarm, health, state

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def test_a_region_that_is_down_answers_nothing_and_goes_on_afterwards(disturbed: LocalCloud) -> None:
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


def test_a_region_that_is_down_retries_no_invocation_until_it_is_back(disturbed: LocalCloud) -> None:
    source = """
        import boto3, os
        def handler(event, context):
            boto3.client("sqs", "us-east-1").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="tried")
            raise RuntimeError("again")
    """
    told = deploy(disturbed, {"Queue": {"Type": "AWS::SQS::Queue"}})
    resources = {
        "Role": role("lambda.amazonaws.com", allow("sqs:SendMessage")),
        "Function": function(source, "Role", Environment={"Variables": {"QUEUE": told["Queue"]}}),
    }
    stack = deploy(disturbed, resources, region=WEST)
    stack.client("lambda").invoke(FunctionName=stack["Function"], InvocationType="Event")
    assert until(lambda: depth(told, "Queue")) == 1
    disturbed.region_down(WEST)
    # Both retries would be over by then.
    until(lambda: False, seconds=2.5)
    back = time.time()
    disturbed.region_up(WEST)
    assert until(lambda: depth(told, "Queue") == 3)
    times = {"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["SentTimestamp"]}
    messages = told.client("sqs").receive_message(QueueUrl=told["Queue"], **times)["Messages"]
    _, *retries = sorted(int(message["Attributes"]["SentTimestamp"]) for message in messages)
    assert [sent >= int(back * 1000) for sent in retries] == [True, True]


def test_a_bucket_of_a_region_that_is_down_answers_no_request_wherever_it_is_signed_for(disturbed: LocalCloud) -> None:
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


def test_global_services_cannot_be_changed_without_us_east_1_and_permissions_and_records_stay(disturbed: LocalCloud) -> None:
    resources = {"Role": role("lambda.amazonaws.com", allow("s3:ListAllMyBuckets"))}
    arn = deploy(disturbed, resources, {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}, region=WEST).outputs()["Role"]
    disturbed.region_down(EAST)
    with pytest.raises(ClientError, match="503"):
        impatient(disturbed, "iam", WEST).list_roles()
    with pytest.raises(ClientError, match="503"):
        impatient(disturbed, "route53", WEST).create_hosted_zone(Name="example", CallerReference="outage")
    assert "HostedZones" in disturbed.client("route53", WEST).list_hosted_zones()
    assert "Buckets" in assume(disturbed, arn, "s3", WEST).list_buckets()
    with pytest.raises(ClientError, match="not authorized"):
        assume(disturbed, arn, "sqs", WEST).list_queues()


def test_an_open_route_of_a_region_that_is_down_answers_503_and_its_health_check_fails(disturbed: LocalCloud) -> None:
    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Api", "ApiEndpoint"]}]}]}
    lost = deploy(disturbed, api("NONE"), {"Host": host}, region=WEST)
    configuration = {"Type": "HTTPS", "FullyQualifiedDomainName": lost.outputs()["Host"], "ResourcePath": "/healthz"}
    check = {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": configuration}}
    watcher = deploy(disturbed, {"Check": check})
    url = f"{disturbed.api_url(lost['Api'])}/healthz"
    assert health(watcher, "Check").startswith("Success")
    disturbed.region_down(WEST)
    assert fetch(url)[0] == 503
    assert health(watcher, "Check").startswith("Failure: HTTP status code 503")
    disturbed.region_up(WEST)
    assert health(watcher, "Check").startswith("Success")


def test_no_alarm_of_a_region_that_is_down_changes(disturbed: LocalCloud) -> None:
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


def test_an_output_is_read_in_the_region_that_the_reference_names(disturbed: LocalCloud) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    producer = deploy(disturbed, {"P": parameter}, {"Where": {"Ref": "AWS::Region"}}, region="us-west-2")
    reference = {"StackName": producer.name, "OutputName": "Where", "Region": "us-west-2"}
    consumer = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::Join": ["-", ["from", {"Fn::GetStackOutput": reference}]]}},
    }
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
