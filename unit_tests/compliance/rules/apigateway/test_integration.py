"""ActivePassive-APIGatewayIntegration."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import alone, function
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-APIGatewayIntegration"
OURS = "arn:aws:lambda:us-east-1:000000000000:function:serverless-processor-prod"
LONG = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"


def _it(uri: Any, kind: Any = "AWS_PROXY", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {"ApiId": "a", "IntegrationType": kind, "IntegrationUri": uri, **more},
    }


def _rest(**integration: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGateway::Method", "Properties": {"HttpMethod": "GET", "Integration": integration}}


@pytest.mark.parametrize(
    "it",
    [
        _it({"Fn::GetAtt": ["Function", "Arn"]}),
        _it({"Ref": "Function"}),
        _it(OURS),
        _it(f"{OURS}:live"),
        _it({"Fn::Sub": LONG}),
        _it("arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/a", "HTTP_PROXY", ConnectionType="VPC_LINK"),
        _it(None, IntegrationSubtype="SQS-SendMessage"),
        _rest(Type="AWS_PROXY", Uri={"Fn::Sub": LONG}),
        _rest(Type="MOCK"),
    ],
)
def test_route_to_a_function_of_the_templates_passes(it: dict[str, Any]) -> None:
    assert verdict_in(RULE, "It", alone({"It": it, "Function": function()})) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _it("https://collector.example.net/", "HTTP_PROXY"),
        _it("https://collector.example.net/", "HTTP_PROXY", ConnectionType="INTERNET"),
        _it(UNKNOWN, "HTTP_PROXY"),
        _it({"Ref": "Function"}, either("AWS_PROXY", "HTTP_PROXY")),
        _it("arn:aws:lambda:us-east-1:999999999999:function:theirs"),
        _rest(Type="HTTP", Uri="http://collector.example.net/"),
    ],
)
def test_route_out_of_the_system_fails(it: dict[str, Any]) -> None:
    assert verdict_in(RULE, "It", alone({"It": it, "Function": function(), **_ours()})) is FAIL


def test_host_is_reported() -> None:
    assert "to https://collector.example.net/ over the internet" in message(
        RULE, _it("https://collector.example.net/", "HTTP_PROXY")
    )


@pytest.mark.parametrize("it", [_it(UNKNOWN), _it(OURS), _it({"Ref": "Function"}, UNKNOWN)])
def test_function_that_no_template_holds_is_not_evaluated(it: dict[str, Any]) -> None:
    assert says(RULE, it) is NOT_EVALUATED


def _ours() -> dict[str, dict[str, Any]]:
    """Resources that say which account is ours."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": "arn:aws:kms:us-east-1:000000000000:key/1"}}
    return {"One": queue, "Other": queue}
