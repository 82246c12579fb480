"""ActivePassive-APIGatewayEndpoint."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import alone
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import endpoint_check
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-APIGatewayEndpoint"
HOST = {"Fn::Sub": "${It}.execute-api.${AWS::Region}.amazonaws.com"}


def _api(disabled: Any = "true", kind: str = "AWS::ApiGatewayV2::Api") -> dict[str, Any]:  # noqa: ANN401
    return {"Type": kind, "Properties": {"DisableExecuteApiEndpoint": disabled}}


def _mapping(api: Any = None, kind: str = "AWS::ApiGatewayV2::ApiMapping", name: str = "ApiId") -> dict[str, Any]:  # noqa: ANN401
    return {"Type": kind, "Properties": {name: api or {"Ref": "It"}, "DomainName": "ingest.example.com"}}


def test_api_with_another_name_may_be_without_its_own() -> None:
    assert verdict_in(RULE, "It", alone({"It": _api(), "Mapping": _mapping()})) is PASS
    rest = {
        "It": _api(kind="AWS::ApiGateway::RestApi"),
        "Mapping": _mapping(kind="AWS::ApiGateway::BasePathMapping", name="RestApiId"),
    }
    assert verdict_in(RULE, "It", alone(rest)) is PASS


@pytest.mark.parametrize("open_", [_api(disabled=False), {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}}])
def test_api_that_answers_by_itself_is_not_judged(open_: dict[str, Any]) -> None:
    assert says(RULE, open_) is None


@pytest.mark.parametrize("disabled", [True, "true", either(True, False)])
def test_api_without_any_address_fails(disabled: Any) -> None:  # noqa: ANN401
    assert says(RULE, _api(disabled)) is FAIL


def test_mapping_of_another_api_or_on_a_condition_fails() -> None:
    other = {"It": _api(), "Other": _api(disabled=False), "Mapping": _mapping({"Ref": "Other"})}
    assert verdict_in(RULE, "It", alone(other)) is FAIL
    sometimes = {"It": _api(), "Mapping": {**_mapping(), "Condition": "ACondition"}}
    assert verdict_in(RULE, "It", alone(sometimes)) is FAIL


def test_health_check_of_the_address_that_is_off_fails() -> None:
    asked = {"It": _api(), "Mapping": _mapping(), "Check": endpoint_check("x", FullyQualifiedDomainName=HOST)}
    assert "checks that endpoint" in message_in(RULE, "It", alone(asked))
    elsewhere = {**asked, "Check": endpoint_check("us-east-1")}
    assert verdict_in(RULE, "It", alone(elsewhere)) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, _api(UNKNOWN)) is NOT_EVALUATED
