"""Test the HTTP API: its authorization, routes, throttles, access log and CORS."""

from aws_cdk import Stack
from aws_cdk.assertions import Template

from handlers.issuer.handler import RECEIPT_HEADER
from infra.constructs.front_door import FrontDoor
from unit_tests.infra.constructs.small_stack import context, function_in, key_in, of_type, only, stack_in


def front_door(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    FrontDoor(stack, "FrontDoor", context=of, issuer=function_in(stack), logs_key=key_in(stack))
    return stack


def test_clients_sign_and_health_checkers_need_not() -> None:
    routes = of_type(front_door(), "AWS::ApiGatewayV2::Route").values()
    assert {route["RouteKey"]: route["AuthorizationType"] for route in routes} == {
        "POST /uploads": "AWS_IAM",
        "POST /uploads/{id}/parts": "AWS_IAM",
        "POST /uploads/{id}/complete": "AWS_IAM",
        "GET /uploads/{id}": "AWS_IAM",
        "GET /files": "AWS_IAM",
        "GET /healthz": "NONE",
        "GET /ready": "NONE",
    }


def test_stage_throttle_is_that_of_the_settings() -> None:
    stage = only(front_door(limits={"api_rate": 7, "api_burst": 9}), "AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 7, "ThrottlingBurstLimit": 9}


def test_open_routes_have_their_own_throttles() -> None:
    stage = only(front_door(limits={"api_rate": 1, "api_burst": 1}), "AWS::ApiGatewayV2::Stage")
    assert stage["RouteSettings"] == {
        "GET /healthz": {"ThrottlingRateLimit": 20, "ThrottlingBurstLimit": 40},
        "GET /ready": {"ThrottlingRateLimit": 200, "ThrottlingBurstLimit": 400},
    }


def test_access_log_goes_to_a_log_group_of_its_own() -> None:
    stack = front_door()
    group, attribute = only(stack, "AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"]
    assert attribute == "Arn"
    assert of_type(stack, "AWS::Logs::LogGroup")[group]["LogGroupName"] == "serverless-api-access-prod"


def test_cors_is_off_without_an_origin() -> None:
    assert "CorsConfiguration" not in only(front_door(), "AWS::ApiGatewayV2::Api")
    cors = only(front_door(cors_origins=["https://www.example.com"]), "AWS::ApiGatewayV2::Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://www.example.com"]
    assert "AllowCredentials" not in cors
    assert RECEIPT_HEADER in cors["AllowHeaders"]
    assert {"authorization", "x-amz-date", "x-amz-security-token"} <= set(cors["AllowHeaders"])


def test_url_has_no_trailing_slash() -> None:
    of = context()
    stack = stack_in(of)
    door = FrontDoor(stack, "FrontDoor", context=of, issuer=function_in(stack), logs_key=key_in(stack))
    Template.from_stack(stack).resource_properties_count_is("AWS::ApiGatewayV2::Api", {"Name": "serverless-ingest-prod"}, 1)
    parts = stack.resolve(door.url)["Fn::Join"][1]
    assert parts[0] == "https://"
    assert parts[2:] == [".execute-api.us-west-2.", {"Ref": "AWS::URLSuffix"}]
