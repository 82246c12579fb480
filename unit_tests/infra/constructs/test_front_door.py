"""Test the HTTP API: its authorization, routes, throttles, access log and CORS, and its custom domain."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from handlers.issuer.handler import RECEIPT_HEADER
from infra.constructs.custom_domain import CustomDomain
from infra.constructs.front_door import FrontDoor
from infra.region import RegionRole
from infra.settings import DomainSettings
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


DOMAIN = DomainSettings(name="ingest.example.com", hosted_zone_id="Z0123456789ABC")
DIGESTS = {"peer-unhealthy": "0A", "force-failover": "0B"}
REGIONS = {RegionRole.PRIMARY: "us-east-1", RegionRole.SECONDARY: "us-west-2"}


def domain(role: RegionRole) -> Stack:
    of = context(role)
    stack = stack_in(of)
    door = FrontDoor(stack, "FrontDoor", context=of, issuer=function_in(stack), logs_key=key_in(stack))
    CustomDomain(stack, "Domain", context=of, domain=DOMAIN, stage=door.stage, alarm_digests=DIGESTS)
    return stack


def record(stack: Stack, name: str) -> dict[str, Any]:
    (found,) = (each for each in of_type(stack, "AWS::Route53::RecordSet").values() if each["Name"] == name)
    return found


@pytest.mark.parametrize("role", RegionRole)
def test_region_serves_its_own_and_the_shared_name_over_tls_1_2(role: RegionRole) -> None:
    stack = domain(role)
    names = of_type(stack, "AWS::ApiGatewayV2::DomainName").values()
    assert {name["DomainName"] for name in names} == {f"{REGIONS[role]}.ingest.example.com", "ingest.example.com"}
    for name in names:
        (configuration,) = name["DomainNameConfigurations"]
        assert (configuration["EndpointType"], configuration["SecurityPolicy"]) == ("REGIONAL", "TLS_1_2")
    assert len(of_type(stack, "AWS::ApiGatewayV2::ApiMapping")) == 2


@pytest.mark.parametrize("role", RegionRole)
def test_certificate_has_both_names_validated_in_the_hosted_zone(role: RegionRole) -> None:
    certificate = only(domain(role), "AWS::CertificateManager::Certificate")
    names = {certificate["DomainName"], *certificate["SubjectAlternativeNames"]}
    assert names == {f"{REGIONS[role]}.ingest.example.com", "ingest.example.com"}
    assert {each["DomainName"] for each in certificate["DomainValidationOptions"]} == names
    assert {each["HostedZoneId"] for each in certificate["DomainValidationOptions"]} == {"Z0123456789ABC"}


@pytest.mark.parametrize("role", RegionRole)
def test_region_writes_its_own_failover_record_with_its_own_check(role: RegionRole) -> None:
    stack = domain(role)
    failover = record(stack, "ingest.example.com.")
    assert failover["Failover"] == role.upper()
    assert failover["SetIdentifier"] == role
    assert failover["HostedZoneId"] == "Z0123456789ABC"
    # An alias has no TTL of its own; Route 53 refuses one.
    assert "TTL" not in failover
    checks = {each: found["HealthCheckConfig"] for each, found in of_type(stack, "AWS::Route53::HealthCheck").items()}
    check = checks[failover["HealthCheckId"]["Fn::GetAtt"][0]]
    if role is RegionRole.PRIMARY:
        assert check["HealthThreshold"] == len(check["ChildHealthChecks"]) == 3
        check, *alarms = (checks[child["Fn::GetAtt"][0]] for child in check["ChildHealthChecks"])
        assert [each["AlarmIdentifier"] for each in alarms] == [
            {"Name": "serverless-peer-unhealthy-prod", "Region": "us-west-2"},
            {"Name": "serverless-force-failover-prod", "Region": "us-west-2"},
        ]
    else:
        assert len(checks) == 1
    assert check["Type"] == "HTTPS"
    # The region's own name: the shared one would be answered by whichever region is active.
    assert check["FullyQualifiedDomainName"] == f"{REGIONS[role]}.ingest.example.com"


@pytest.mark.parametrize("role", RegionRole)
def test_regional_name_never_fails_over(role: RegionRole) -> None:
    own = record(domain(role), f"{REGIONS[role]}.ingest.example.com.")
    assert "Failover" not in own
    assert "HealthCheckId" not in own
