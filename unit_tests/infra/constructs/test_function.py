"""Test a function: its runtime, names, logs, limits and network."""

import re
from typing import Any

from aws_cdk import Size, Stack
from aws_cdk import aws_lambda as lambda_

from infra.constructs.function import Function
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in


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


def test_function_called_day_and_night_is_not_traced_nor_its_calls_logged() -> None:
    stack = function_stack(traced=False, logs_calls=False)
    found = only(stack, "AWS::Lambda::Function")
    assert "TracingConfig" not in found
    assert found["LoggingConfig"]["SystemLogLevel"] == "WARN"
    assert "xray:" not in str(of_type(stack, "AWS::IAM::ManagedPolicy"))


def test_function_has_lambdas_default_disk() -> None:
    assert "EphemeralStorage" not in function()
    assert function(ephemeral_storage=Size.mebibytes(513))["EphemeralStorage"] == {"Size": 513}
