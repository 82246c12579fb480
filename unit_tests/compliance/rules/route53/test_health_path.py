"""ActivePassive-Route53HealthPath."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import endpoint_check, health_check
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-Route53HealthPath"
HOST = {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.amazonaws.com"}


def _says(path: Any, *routes: str) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", alone(_world(path, *routes)))


def _world(path: Any, *routes: str) -> dict[str, Any]:  # noqa: ANN401
    made: dict[str, Any] = {
        "It": endpoint_check("us-east-1", FullyQualifiedDomainName=HOST, ResourcePath=path),
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}},
    }
    for number, key in enumerate(routes):
        made[f"Route{number}"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": key},
        }
    return made


def test_readiness_route_passes() -> None:
    assert _says("/ready", "GET /healthz", "GET /ready") is PASS
    assert _says("/v1/readyz?deep=1", "GET /v1/readyz") is PASS
    assert _says("/status", "GET /status", "POST /uploads") is PASS
    assert _says("/anything", "ANY /{proxy+}") is PASS
    assert _says("/anything") is PASS


@pytest.mark.parametrize("path", [None, "", "/", "/healthz", "/nowhere", either("/ready", "/healthz")])
def test_path_without_readiness_fails(path: Any) -> None:  # noqa: ANN401
    assert _says(path, "GET /healthz", "GET /ready") is FAIL


def test_readiness_route_is_reported() -> None:
    text = message_in(RULE, "It", alone(_world("/healthz", "GET /healthz", "GET /ready")))
    assert text.startswith("it requests /healthz, and /ready is the readiness route")


def test_checks_that_ask_no_path_are_not_judged() -> None:
    assert says(RULE, health_check(Type="TCP", IPAddress="192.0.2.1")) is None
    assert says(RULE, health_check(Type="CALCULATED", ChildHealthChecks=[])) is None


def test_unreadable_value_is_not_evaluated() -> None:
    assert says(RULE, health_check(Type=UNKNOWN)) is NOT_EVALUATED
    assert _says(["/ready"], "GET /ready") is NOT_EVALUATED


@pytest.mark.parametrize("setting", [{"Port": 1}, {"Port": "8443"}, {"EnableSNI": False}])
def test_port_or_handshake_that_api_gateway_refuses_fails(setting: dict[str, Any]) -> None:
    world = _world("/ready", "GET /ready")
    world["It"]["Properties"]["HealthCheckConfig"] |= setting
    assert verdict_in(RULE, "It", alone(world)) is FAIL
    world["It"]["Properties"]["HealthCheckConfig"] |= {"Port": "443", "EnableSNI": True}
    assert verdict_in(RULE, "It", alone(world)) is PASS


def test_another_host_may_have_another_port() -> None:
    elsewhere = endpoint_check("us-east-1", ResourcePath="/ready", Port=8443)
    assert says(RULE, elsewhere) is PASS
