"""ActivePassive-APIGatewayThrottle."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-APIGatewayThrottle"
LIMITS = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": "100"}
EVERY = {"HttpMethod": "*", "ResourcePath": "/*", **LIMITS}


def _http(default: Any = None, **routes: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = {
        "DefaultRouteSettings": default or LIMITS,
        "RouteSettings": {f"GET /{name}": each for name, each in routes.items()},
    }
    return {"Type": "AWS::ApiGatewayV2::Stage", "Properties": settings}


def _rest(*settings: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGateway::Stage", "Properties": {"MethodSettings": list(settings)}}


@pytest.mark.parametrize("stage", [_http(), _http(health=LIMITS), _http(either(LIMITS, LIMITS)), _rest(EVERY)])
def test_limits_everywhere_pass(stage: dict[str, Any]) -> None:
    assert says(RULE, stage) is PASS


@pytest.mark.parametrize(
    "stage",
    [
        {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {}},
        _http({"ThrottlingRateLimit": 50}),
        _http({"ThrottlingBurstLimit": 50}),
        _http({**LIMITS, "ThrottlingRateLimit": 0}),
        _http(health={"DetailedMetricsEnabled": True}),
        _http(health={**LIMITS, "ThrottlingBurstLimit": -1}),
        _http(either(LIMITS, ABSENT)),
        _rest(),
        _rest({**EVERY, "ResourcePath": "/~1health"}),
        _rest({**EVERY, "HttpMethod": "GET"}),
        _rest(EVERY, {"HttpMethod": "GET", "ResourcePath": "/x"}),
    ],
)
def test_route_without_a_limit_fails(stage: dict[str, Any]) -> None:
    assert says(RULE, stage) is FAIL


def test_route_is_reported() -> None:
    assert "RouteSettings of GET /health has no ThrottlingRateLimit" in message(RULE, _http(health={}))


@pytest.mark.parametrize("stage", [_http(UNKNOWN), _http({**LIMITS, "ThrottlingRateLimit": UNKNOWN}), _rest(UNKNOWN)])
def test_unresolved_value_is_not_evaluated(stage: dict[str, Any]) -> None:
    assert says(RULE, stage) is NOT_EVALUATED
