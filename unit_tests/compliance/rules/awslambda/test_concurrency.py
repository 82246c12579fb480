"""ActivePassive-LambdaConcurrency."""

from unit_tests.compliance.rules.builders import (
    FAIL,
    NOT_EVALUATED,
    PASS,
    UNKNOWN,
    changed,
    either,
    function,
    message,
    says,
    without,
)

RULE = "ActivePassive-LambdaConcurrency"
SETTING = "ReservedConcurrentExecutions"


def test_reserved_passes_and_anything_else_fails() -> None:
    assert says(RULE, function()) is PASS
    assert says(RULE, changed(function(), SETTING, to="2")) is PASS
    assert says(RULE, without(function(), SETTING)) is FAIL
    assert says(RULE, changed(function(), SETTING, to=either(2, {"Ref": "AWS::NoValue"}))) is FAIL
    assert "never runs" in message(RULE, changed(function(), SETTING, to=0))
    assert says(RULE, {"Type": "AWS::Lambda::Function"}) is FAIL


def test_what_only_a_deployment_knows_is_not_evaluated() -> None:
    assert says(RULE, changed(function(), SETTING, to=UNKNOWN)) is NOT_EVALUATED
