"""ActivePassive-Route53HealthThrottle."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import endpoint_check
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53HealthThrottle"
ENOUGH = {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 16}
WIDE = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
FEW = {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 1}


def _says(default: Any, routes: Any = None, *, route: str = "GET /ready") -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", alone(_world(default, routes, route)))


def _world(default: Any, routes: Any, route: str) -> dict[str, Any]:  # noqa: ANN401
    stage = {"ApiId": {"Ref": "Api"}, "DefaultRouteSettings": default, "RouteSettings": routes or {}}
    return {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}},
        "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": route}},
        "It": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": stage},
        "Check": endpoint_check("us-east-1", ResourcePath="/status?deep=1"),
    }


def test_as_much_as_the_checkers_ask_passes() -> None:
    assert _says(ENOUGH) is PASS
    assert _says(FEW, {"GET /ready": ENOUGH}) is PASS
    assert _says(WIDE, {"GET /ready": ENOUGH, "POST /uploads": FEW}) is PASS


@pytest.mark.parametrize("limit", sorted(ENOUGH))
@pytest.mark.parametrize("route", ["GET /ready", "HEAD /healthz", "GET /status", "ANY /status"])
def test_less_than_the_checkers_ask_fails(limit: str, route: str) -> None:
    assert _says({**WIDE, limit: 1}, route=route) is FAIL
    assert _says(WIDE, {route: {**WIDE, limit: 4}}, route=route) is FAIL


def test_every_branch_counts() -> None:
    assert _says(WIDE, {"GET /ready": either(WIDE, FEW)}) is FAIL


def test_route_is_reported() -> None:
    text = message_in(RULE, "It", alone(_world(WIDE, {"GET /ready": {**WIDE, "ThrottlingRateLimit": 1}}, "GET /ready")))
    assert text.startswith("ThrottlingRateLimit of RouteSettings of GET /ready is 1; GET /ready is what health checkers ask")


def test_stage_without_such_a_route_is_not_judged() -> None:
    assert _says(FEW, route="POST /uploads") is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert _says(UNKNOWN) is NOT_EVALUATED
    assert _says(WIDE, {"GET /ready": UNKNOWN}) is NOT_EVALUATED
