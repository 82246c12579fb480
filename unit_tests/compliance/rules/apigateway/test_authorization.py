"""ActivePassive-APIGatewayAuthorization."""

from typing import Any

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-APIGatewayAuthorization"


def _route(key: Any = "POST /uploads", kind: Any = "AWS_IAM", **others: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {"ApiId": {"Ref": "Api"}, "RouteKey": key, "AuthorizationType": kind, **others}
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}


def _method(method: str = "POST", kind: Any = "AWS_IAM", **others: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGateway::Method", "Properties": {"HttpMethod": method, "AuthorizationType": kind, **others}}


def _url(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": kind}}


def _api(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP", **properties}}


@pytest.mark.parametrize(
    "route",
    [
        _route(),
        _route(kind="JWT", AuthorizerId="a"),
        _route(kind="CUSTOM", AuthorizerId={"Ref": "Authorizer"}),
        _route("GET /health", "NONE"),
        _route("GET /healthz", "NONE"),
        _route("GET /ready", ABSENT),
        _method(),
        _method(kind="COGNITO_USER_POOLS", AuthorizerId="a"),
        _url("AWS_IAM"),
    ],
)
def test_route_that_asks_who_calls_passes(route: dict[str, Any]) -> None:
    assert says(RULE, route) is PASS


@pytest.mark.parametrize(
    "route",
    [
        _route(kind="NONE"),
        _route(kind=ABSENT),
        _route(kind=either("AWS_IAM", "NONE")),
        _route(kind="JWT"),
        _route(kind="CUSTOM", AuthorizerId=ABSENT),
        _route("$default", "NONE"),
        _route("POST /healthz", "NONE"),
        _route("GET /healthz/secrets", "NONE"),
        _route("ANY /health", "NONE"),
        _route(kind="NONE", ApiKeyRequired=True),
        _method(kind="NONE"),
        _method(kind="COGNITO_USER_POOLS"),
        _url("NONE"),
        _url(ABSENT),
        _api(Target="arn:aws:lambda:us-west-2:0:function:f"),
    ],
)
def test_route_that_anybody_can_call_fails(route: dict[str, Any]) -> None:
    assert says(RULE, route) is FAIL


def test_route_is_reported() -> None:
    assert message(RULE, _route(kind="NONE")) == "AuthorizationType is NONE, so anyone can call POST /uploads"


@pytest.mark.parametrize(
    "route",
    [_route(kind=UNKNOWN), _route(UNKNOWN), _method(kind=UNKNOWN), _url(UNKNOWN), _api(Body={"paths": {}})],
)
def test_unresolved_value_is_not_evaluated(route: dict[str, Any]) -> None:
    assert says(RULE, route) is NOT_EVALUATED


def test_web_socket_is_authorized_when_it_is_opened() -> None:
    resources = {
        "Api": _api(ProtocolType="WEBSOCKET"),
        "Connect": _route("$connect", "NONE"),
        "Send": _route("send", "NONE"),
        "Default": _route("$default", "NONE"),
    }

    assert verdict_in(RULE, "Connect", template(resources)) is FAIL
    assert verdict_in(RULE, "Send", template(resources)) is None
    assert verdict_in(RULE, "Default", template(resources)) is None


def test_preflight_request_and_a_plain_api_are_not_judged() -> None:
    assert says(RULE, _method("OPTIONS", "NONE")) is None
    assert says(RULE, _api()) is None
