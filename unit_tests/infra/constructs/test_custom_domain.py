"""Test the custom domain: each region has its own name and the name that fails over."""

from typing import Any

import pytest
from aws_cdk import Stack

from infra.constructs.custom_domain import CustomDomain
from infra.constructs.front_door import FrontDoor
from infra.region import RegionRole
from infra.settings import DomainSettings
from unit_tests.infra.constructs.small_stack import context, function_in, key_in, of_type, only, stack_in

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
