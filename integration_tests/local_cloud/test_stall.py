"""Test a stalled region, which accepts and replicates but runs and delivers nothing, and a throttled DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, allow, deploy, function, impatient, role, until
from integration_tests.local_cloud.test_functions import api, depth, fetch, invoke, looping
from integration_tests.local_cloud.test_monitoring import health
from integration_tests.local_cloud.test_tables import global_table, put, replica, value
from local_cloud import LocalCloudError

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def test_stalled_region_accepts_work_and_does_it_when_it_resumes(disturbed: LocalCloud) -> None:
    stack = deploy(
        disturbed, {**looping(), "Notified": cfn.resource("SQS::Queue"), **cfn.notifying("Notified")}, region=WEST
    )
    # S3 sends one test event of its own.
    assert until(lambda: depth(stack, "Notified")) == 1
    disturbed.region_stall(WEST)
    assert disturbed.health()["regions_stalled"] == [WEST]
    stack.client("sqs").send_message(QueueUrl=stack["Queue"], MessageBody='{"hop": 12}')
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="a", Body=b"x")
    until(lambda: False, seconds=1.5)
    assert (depth(stack, "Queue"), depth(stack, "Dead"), depth(stack, "Notified")) == (1, 0, 1)
    disturbed.region_unstall(WEST)
    assert until(lambda: depth(stack, "Dead")) == 1
    assert until(lambda: depth(stack, "Notified") == 2)


def test_stalled_region_replicates_in_both_directions(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)
    east, west = disturbed.client("dynamodb", EAST), stack.client("dynamodb")
    disturbed.region_stall(WEST)
    put(east, stack["Table"], "in", "1")
    put(west, stack["Table"], "out", "2")
    assert until(lambda: value(west, stack["Table"], "in")) == "1"
    assert until(lambda: value(east, stack["Table"], "out")) == "2"


def test_caller_of_a_stalled_function_is_refused_at_once(disturbed: LocalCloud) -> None:
    stack = deploy(disturbed, {**api("NONE"), "Check": cfn.ready_check(cfn.HOST)}, region=WEST)
    url, functions = f"{disturbed.api_url(stack['Api'])}/healthz", impatient(disturbed, "lambda", WEST)
    assert fetch(url) == (200, "/healthz")
    disturbed.region_stall(WEST)
    assert fetch(url) == (503, '{"message": "Service Unavailable"}')
    assert health(stack, "Check").startswith("Failure: HTTP status code 503")
    with pytest.raises(ClientError, match="503"):
        functions.invoke(FunctionName=stack["Function"])
    assert functions.invoke(FunctionName=stack["Function"], InvocationType="Event")["StatusCode"] == 202
    disturbed.region_unstall(WEST)
    assert fetch(url) == (200, "/healthz")


READS_OFTEN = """
    import boto3, os
    from botocore.config import Config
    from botocore.exceptions import ClientError
    once = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    patient = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 10, "mode": "standard"}))
    def handler(event, context):
        codes = []
        for _ in range(event["times"]):
            try:
                (patient if event["patient"] else once).get_item(TableName=os.environ["TABLE"], Key={"pk": {"S": "a"}})
                codes.append("")
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])
        return codes
"""


def test_functions_are_throttled_to_the_share_that_is_set_and_nobody_else(disturbed: LocalCloud) -> None:
    resources = {
        "Table": cfn.simple_table(),
        "Role": role("lambda.amazonaws.com", allow("dynamodb:GetItem")),
        "Function": function(READS_OFTEN, "Role", variables={"TABLE": cfn.ref("Table")}),
    }
    stack = deploy(disturbed, resources)

    def outcomes(*, patient: bool = False) -> list[str]:
        failed, answer = invoke(stack, stack["Function"], {"times": 3 if patient else 60, "patient": patient})
        assert failed is None
        return list(answer)

    assert set(outcomes()) == {""}
    disturbed.set_throttle(EAST, 1)
    assert set(outcomes()) == {"ThrottlingException"}
    assert stack.client("dynamodb").get_item(TableName=stack["Table"], Key={"pk": {"S": "a"}})
    disturbed.set_throttle(EAST, 0.5)
    assert disturbed.health()["throttled"] == {EAST: 0.5}
    assert 10 < outcomes().count("ThrottlingException") < 50
    assert set(outcomes(patient=True)) == {""}
    disturbed.set_throttle(EAST, 0)
    assert set(outcomes()) == {""}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_invalid_share_is_refused(cloud: LocalCloud, share: float) -> None:
    with pytest.raises(LocalCloudError, match="must be from 0 to 1"):
        cloud.set_throttle(EAST, share)
