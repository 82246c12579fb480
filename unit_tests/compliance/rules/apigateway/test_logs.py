"""ActivePassive-APIGatewayLogs."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says

RULE = "ActivePassive-APIGatewayLogs"
LOGS = {"DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]}, "Format": "$context.requestId"}


def _http(settings: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"AccessLogSettings": settings}}


def _rest(settings: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGateway::Stage", "Properties": {"AccessLogSetting": settings}}


@pytest.mark.parametrize("stage", [_http, _rest])
def test_access_log_passes_and_anything_less_fails(stage: Any) -> None:  # noqa: ANN401
    assert says(RULE, stage(LOGS)) is PASS
    for less in (ABSENT, {}, {"Format": "x"}, {"DestinationArn": "x"}, {**LOGS, "Format": ""}, either(LOGS, ABSENT)):
        assert says(RULE, stage(less)) is FAIL


@pytest.mark.parametrize("stage", [_http, _rest])
def test_unresolved_value_is_not_evaluated(stage: Any) -> None:  # noqa: ANN401
    assert says(RULE, stage(UNKNOWN)) is NOT_EVALUATED
