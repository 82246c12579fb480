"""Test the observer: its variables and its schedule."""

from typing import Any

import pytest
from aws_cdk import Duration, Stack

from infra.constructs.bucket import Bucket
from infra.constructs.front_door import FrontDoor
from infra.constructs.observer import Observer
from infra.constructs.queue import IngestQueue
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, function_in, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

HERE, THERE = "us-west-2", "us-east-1"


def observer_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: Any) -> Stack:  # noqa: ANN401 - the settings'
    of = context(role, **settings)
    stack = stack_in(of)
    key = key_in(stack)
    Observer(
        stack,
        "Observer",
        surroundings=surroundings_in(stack, of, key),
        queue=IngestQueue(stack, "Queue", context=of, key=key, function_timeout=Duration.minutes(5)),
        ingest=Bucket(stack, "Ingest", context=of, resource="ingest", key=key),
        front_door=FrontDoor(stack, "FrontDoor", context=of, issuer=function_in(stack), logs_key=key),
        data_key=key,
    )
    return stack


def the_function(stack: Stack) -> dict[str, Any]:
    (found,) = (
        each
        for each in of_type(stack, "AWS::Lambda::Function").values()
        if each.get("FunctionName") == "serverless-observer-prod"
    )
    return found


def test_observer_variables_name_both_regions() -> None:
    stack = observer_stack()
    variables = the_function(stack)["Environment"]["Variables"]
    assert variables["PEER_REGION"] == THERE
    assert variables["PRIMARY_REGION"] == THERE
    assert variables["PEER_INGEST_BUCKET"] == f"serverless-ingest-prod-{ACCOUNT}-{THERE}-an"
    assert variables["REPLICATION_RULE_ID"] == "everything-to-the-other-region"
    assert variables["AUTO_PROMOTE"] == "false"
    (api,) = of_type(stack, "AWS::ApiGatewayV2::Api")
    url = variables["API_URL"]["Fn::Join"][1]
    assert url[:3] == ["https://", {"Ref": api}, f".execute-api.{HERE}."]


@pytest.mark.parametrize(("setting", "value"), [(True, "true"), (False, "false")])
def test_observer_may_promote_only_if_it_is_set(setting: bool, value: str) -> None:  # noqa: FBT001 - a parameter of pytest's
    stack = observer_stack(auto_promote=setting)
    assert the_function(stack)["Environment"]["Variables"]["AUTO_PROMOTE"] == value


def test_observer_runs_outside_the_vpc_once_at_a_time_in_its_minute() -> None:
    function = the_function(observer_stack())
    assert "VpcConfig" not in function
    assert function["ReservedConcurrentExecutions"] == 1
    assert function["Timeout"] < 60


def test_observer_runs_every_minute_and_never_late() -> None:
    stack = observer_stack()
    rule = only(stack, "AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = rule["Targets"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    asynchronous = only(stack, "AWS::Lambda::EventInvokeConfig")
    # What is retried later would make three runs in a row of fewer than three minutes.
    assert asynchronous["MaximumEventAgeInSeconds"] == 60
    assert asynchronous["MaximumRetryAttempts"] == 0
