"""ActivePassive-LogsFunction."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import EAST, WEST, alone, function, log_group
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says, verdict_in

RULE = "ActivePassive-LogsFunction"
CONFIGURED = ("LoggingConfig", "LogGroup")
UNCONFIGURED = without(function(), "LoggingConfig")


def _with(it: dict[str, Any], **others: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, "It", alone({"It": it, **others}))


def test_group_that_the_function_names_passes() -> None:
    assert _with(function(), Logs=log_group()) is PASS
    assert _with(changed(function(), *CONFIGURED, to="serverless-processor-prod"), Logs=log_group()) is PASS


@pytest.mark.parametrize("name", ["/aws/lambda/serverless-processor-prod", {"Fn::Sub": "/aws/lambda/${It}"}])
def test_group_of_the_default_name_passes(name: Any) -> None:  # noqa: ANN401
    assert _with(UNCONFIGURED, Logs=changed(log_group(), "LogGroupName", to=name)) is PASS


def test_no_group_fails() -> None:
    assert _with(UNCONFIGURED) is FAIL
    assert _with(UNCONFIGURED, Logs=log_group()) is FAIL
    assert _with(changed(function(), *CONFIGURED, to="serverless-other-prod"), Logs=log_group()) is FAIL
    assert _with(changed(function(), *CONFIGURED, to=either({"Ref": "Logs"}, "other")), Logs=log_group()) is FAIL
    assert _with(function(), Logs={**log_group(), "Condition": "InProd"}) is FAIL
    assert says(RULE, {"Type": "AWS::Lambda::Function"}) is FAIL


def test_group_in_the_other_region_is_none() -> None:
    named = changed(log_group(), "LogGroupName", to="/aws/lambda/serverless-processor-prod")
    assert verdict_in(RULE, "It", alone({"It": UNCONFIGURED}), alone({"Logs": named}, WEST)) is FAIL
    assert verdict_in(RULE, "It", alone({"It": UNCONFIGURED}), alone({"Logs": named}, EAST)) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    assert _with(changed(function(), *CONFIGURED, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(changed(function(), "LoggingConfig", to=UNKNOWN)) is NOT_EVALUATED
