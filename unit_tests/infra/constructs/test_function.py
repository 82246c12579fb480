"""Test a function: its runtime, names, logs, limits and network."""

import re
from typing import Any

from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from infra.constructs.function import Function
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

NO_VPC: dict[str, object] = {"environment": "dev", "vpc": {"mode": "none"}}


def function_stack(settings: dict[str, object] | None = None, /, **parameters: Any) -> Stack:  # noqa: ANN401 - Function's
    of = context(**(settings or {}))
    stack = stack_in(of)
    surroundings = surroundings_in(stack, of, key_in(stack))
    named = {"resource": "two-words", "description": "Tried", "reserved_concurrency": 2, **parameters}
    Function(stack, "Tried", surroundings=surroundings, **named)
    return stack


def function(settings: dict[str, object] | None = None, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - Function's
    return only(function_stack(settings, **parameters), "AWS::Lambda::Function")


def test_function_runs_on_arm64_under_the_newest_python_of_the_cdk() -> None:
    known = [
        tuple(map(int, found.groups()))
        for name in dir(lambda_.Runtime)
        if (found := re.fullmatch(r"PYTHON_(\d+)_(\d+)", name))
    ]
    major, minor = max(known)
    assert function()["Runtime"] == f"python{major}.{minor}"
    assert function()["Architectures"] == ["arm64"]


def test_function_name_and_handler_follow_from_its_kind() -> None:
    assert function()["FunctionName"] == "serverless-two-words-prod"
    assert function()["Handler"] == "handlers.two_words.handler.handler"
    assert function()["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "two-words"


def test_function_logs_json_into_a_group_of_its_own() -> None:
    stack = function_stack()
    found = only(stack, "AWS::Lambda::Function")
    (group_id,) = (
        id_ for id_, group in of_type(stack, "AWS::Logs::LogGroup").items() if "two-words" in group["LogGroupName"]
    )
    assert found["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": group_id}}


def test_function_called_day_and_night_is_not_traced_nor_its_calls_logged() -> None:
    stack = function_stack(traced=False, logs_calls=False)
    found = only(stack, "AWS::Lambda::Function")
    assert "TracingConfig" not in found
    assert found["LoggingConfig"]["SystemLogLevel"] == "WARN"
    assert "xray:" not in str(of_type(stack, "AWS::IAM::ManagedPolicy"))


def test_function_has_reserved_concurrency_and_a_failure_queue() -> None:
    stack = function_stack(reserved_concurrency=7)
    found = only(stack, "AWS::Lambda::Function")
    assert found["ReservedConcurrentExecutions"] == 7
    (queue,) = of_type(stack, "AWS::SQS::Queue")
    assert found["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": [queue, "Arn"]}}


def test_function_has_lambdas_default_disk() -> None:
    assert "EphemeralStorage" not in function()
    assert function(ephemeral_storage=Size.mebibytes(513))["EphemeralStorage"] == {"Size": 513}


def test_function_has_the_given_memory_timeout_and_variables() -> None:
    found = function(memory_size=512, timeout=Duration.seconds(20), environment={"A": "b"})
    assert (found["MemorySize"], found["Timeout"], found["Environment"]["Variables"]["A"]) == (512, 20, "b")


def test_function_is_in_the_isolated_subnets_unless_outside_a_vpc() -> None:
    stack = function_stack()
    placed = only(stack, "AWS::Lambda::Function")["VpcConfig"]
    assert {each["Ref"] for each in placed["SubnetIds"]} == set(of_type(stack, "AWS::EC2::Subnet"))
    (group,) = (
        id_
        for id_, each in of_type(stack, "AWS::EC2::SecurityGroup").items()
        if each["GroupName"] == "serverless-functions-prod"
    )
    assert placed["SecurityGroupIds"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    assert "VpcConfig" not in function(in_network=False)
    assert "VpcConfig" not in function(NO_VPC)


def test_function_depends_on_its_permissions() -> None:
    stack = function_stack()
    (resource,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    (policy_id,) = (id_ for id_ in of_type(stack, "AWS::IAM::ManagedPolicy") if id_.startswith("Tried"))
    assert policy_id in resource["DependsOn"]


def test_function_memory_is_limited_by_default() -> None:
    assert function()["MemorySize"] > 0


def test_function_without_reservation_shares_the_account() -> None:
    assert "ReservedConcurrentExecutions" not in function(reserved_concurrency=None)
