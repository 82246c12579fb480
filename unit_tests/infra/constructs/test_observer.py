"""The observer: its variables, its permissions in both regions, and its schedule."""

import json
from typing import Any

import pytest
from aws_cdk import Duration, Stack

from infra.constructs.bucket import Bucket
from infra.constructs.front_door import FrontDoor
from infra.constructs.observer import Observer
from infra.constructs.queue import IngestQueue
from infra.region import RegionRole
from unit_tests.infra.constructs.permissions import allowed, statements
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, function_in, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

POLICY = "ObserverFunctionPolicy"
HERE, THERE = "us-west-2", "us-east-1"


def table(region: str) -> str:
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/serverless-ledger-prod"


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


def on(stack: Stack, action: str, resource: str) -> dict[str, Any]:
    """The one statement that allows an action on a resource."""
    (found,) = (
        each
        for each in statements(stack, POLICY)
        if action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        and each["Resource"] == resource
    )
    return found


def test_it_is_told_of_its_region_and_of_the_other_one() -> None:
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
def test_it_promotes_by_itself_only_where_that_is_set(setting: bool, value: str) -> None:  # noqa: FBT001 - a parameter of pytest's
    stack = observer_stack(auto_promote=setting)
    assert the_function(stack)["Environment"]["Variables"]["AUTO_PROMOTE"] == value
    # Not by its own word alone: where a person promotes, its role may not write who is active.
    rows = on(stack, "dynamodb:PutItem", table(HERE))["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    assert (f"CONTROL#{HERE}" in rows) is setting


def test_the_primary_never_claims_by_itself() -> None:
    stack = observer_stack(RegionRole.PRIMARY, auto_promote=True)
    rows = on(stack, "dynamodb:PutItem", table(THERE))["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    assert [row for row in rows if row.startswith("CONTROL#")] == []


def test_it_writes_rows_of_its_own_region_and_no_other() -> None:
    for role, region in ((RegionRole.PRIMARY, "us-east-1"), (RegionRole.SECONDARY, "us-west-2")):
        stack = observer_stack(role)
        assert on(stack, "dynamodb:PutItem", table(region))["Condition"] == {
            "ForAllValues:StringEquals": {
                "dynamodb:LeadingKeys": [f"HEARTBEAT#{region}", f"DIGEST#{region}", f"OBSERVER#{region}"]
            }
        }


def test_observer_only_reads_rows_and_versions_of_the_other_region() -> None:
    stack = observer_stack()
    assert on(stack, "dynamodb:GetItem", table(THERE))["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"HEARTBEAT#{THERE}", f"CONTROL#{THERE}", f"CONTROL#{HERE}"]}
    }
    there = {
        action
        for action, resources in allowed(stack, POLICY).items()
        if any(f":{THERE}:" in resource or f"-{THERE}-" in resource for resource in resources)
    }
    assert there == {"dynamodb:GetItem", "kms:Decrypt", "secretsmanager:DescribeSecret"}


def test_the_other_region_s_key_is_told_by_its_alias() -> None:
    (statement,) = (each for each in statements(observer_stack(), POLICY) if "kms:ResourceAliases" in json.dumps(each))
    assert statement["Action"] == "kms:Decrypt"
    assert statement["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}


def test_it_calls_its_own_front_door_as_one_that_uploads_a_file_does() -> None:
    stack = observer_stack()
    (api,) = of_type(stack, "AWS::ApiGatewayV2::Api")
    routes = {each.split(f'{{"Ref":"{api}"}},"')[1] for each in allowed(stack, POLICY)["execute-api:Invoke"]}
    assert routes == {'/$default/POST/uploads"]]}', '/$default/GET/uploads/*"]]}'}


def test_observer_runs_outside_the_vpc_once_at_a_time_in_its_minute() -> None:
    function = the_function(observer_stack())
    assert "VpcConfig" not in function
    assert function["ReservedConcurrentExecutions"] == 1
    assert function["Timeout"] < 60


def test_it_is_run_every_minute_and_never_late() -> None:
    stack = observer_stack()
    rule = only(stack, "AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = rule["Targets"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    asynchronous = only(stack, "AWS::Lambda::EventInvokeConfig")
    # What is retried later would make three runs in a row of fewer than three minutes.
    assert asynchronous["MaximumEventAgeInSeconds"] == 60
    assert asynchronous["MaximumRetryAttempts"] == 0


def test_what_cannot_be_run_is_kept_where_failures_are() -> None:
    stack = observer_stack()
    (failed,) = (id_ for id_, each in of_type(stack, "AWS::SQS::Queue").items() if "async" in each["QueueName"])
    (target,) = only(stack, "AWS::Events::Rule")["Targets"]
    arn = {"Fn::GetAtt": [failed, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": arn}
    assert only(stack, "AWS::Lambda::EventInvokeConfig")["DestinationConfig"] == {"OnFailure": {"Destination": arn}}
    (rule,) = of_type(stack, "AWS::Events::Rule")
    (policy,) = (each for each in of_type(stack, "AWS::SQS::QueuePolicy").values() if each["Queues"] == [{"Ref": failed}])
    (admitting,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    assert admitting["Principal"] == {"Service": "events.amazonaws.com"}
    assert admitting["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_nobody_but_the_rule_may_call_it() -> None:
    stack = observer_stack()
    (rule,) = of_type(stack, "AWS::Events::Rule")
    (observer,) = (
        id_
        for id_, each in of_type(stack, "AWS::Lambda::Function").items()
        if each.get("FunctionName") == "serverless-observer-prod"
    )
    (permission,) = (
        each
        for each in of_type(stack, "AWS::Lambda::Permission").values()
        if each["FunctionName"] == {"Fn::GetAtt": [observer, "Arn"]}
    )
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [rule, "Arn"]}
