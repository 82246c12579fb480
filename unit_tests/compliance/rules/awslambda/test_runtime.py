"""ActivePassive-LambdaRuntime."""

import pytest

from unit_tests.compliance.rules.builders import FAIL, NOT_EVALUATED, PASS, UNKNOWN, changed, either, function, says, without

RULE = "ActivePassive-LambdaRuntime"


@pytest.mark.parametrize("runtime", ["python3.14", "python3.12", "nodejs24.x", "java25", "dotnet10", "provided.al2023"])
def test_a_supported_runtime_passes(runtime: str) -> None:
    assert says(RULE, changed(function(), "Runtime", to=runtime)) is PASS


@pytest.mark.parametrize(
    "runtime", ["python3.9", "python2.7", "nodejs18.x", "nodejs20.x", "go1.x", "dotnet6", "ruby2.7", "java8"]
)
def test_a_deprecated_runtime_fails(runtime: str) -> None:
    assert says(RULE, changed(function(), "Runtime", to=runtime)) is FAIL
    assert says(RULE, changed(function(), "Runtime", to=either("python3.14", runtime))) is FAIL


def test_an_image_has_none_and_everything_else_must() -> None:
    assert says(RULE, without(function(), "Runtime")) is FAIL
    assert says(RULE, changed(without(function(), "Runtime"), "PackageType", to="Image")) is None


def test_what_nobody_here_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(function(), "Runtime", to="python9.9")) is NOT_EVALUATED
    assert says(RULE, changed(function(), "Runtime", to=UNKNOWN)) is NOT_EVALUATED
