"""Failover without a domain: checks, zone and records, each region for itself."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.constructs.failover import PrivateFailover, RegionEndpoint
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import context, of_type, only, stack_in

RECORD, CHECK, ZONE = "AWS::Route53::RecordSet", "AWS::Route53::HealthCheck", "AWS::Route53::HostedZone"


def failover(*, vpc: bool = True) -> tuple[Stack, PrivateFailover]:
    of = context()
    stack = stack_in(of)
    endpoints = {
        role: RegionEndpoint(api_host=f"{role}.example.com", vpc_id=f"vpc-{role}" if vpc else None) for role in RegionRole
    }
    return stack, PrivateFailover(stack, "Failover", settings=of.settings, endpoints=endpoints)


def records(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    return {record["Failover"]: record for record in of_type(stack, RECORD).values() if record["Type"] == kind}


def test_both_regions_are_asked_whether_they_are_ready() -> None:
    checks = {
        check["HealthCheckConfig"]["FullyQualifiedDomainName"]: check["HealthCheckConfig"]
        for check in of_type(failover()[0], CHECK).values()
        if check["HealthCheckConfig"]["Type"] == "HTTPS"
    }
    assert set(checks) == {"primary.example.com", "secondary.example.com"}
    for check in checks.values():
        assert (check["Type"], check["Port"], check["ResourcePath"]) == ("HTTPS", 443, "/ready")
        assert check["EnableSNI"] is True
        # Three failures and a record's lifetime leave room within the promised 150 seconds.
        assert check["RequestInterval"] * check["FailureThreshold"] + 60 <= 90


def test_health_checks_can_be_told_apart_in_the_console() -> None:
    names = {
        tag["Value"]
        for check in of_type(failover()[0], CHECK).values()
        for tag in check["HealthCheckTags"]
        if tag["Key"] == "Name"
    }
    assert names == {
        "serverless-primary-ready-prod",
        "serverless-primary-healthy-prod",
        "serverless-primary-not-peer-unhealthy-prod",
        "serverless-primary-not-force-failover-prod",
        "serverless-secondary-ready-prod",
    }


@pytest.mark.parametrize(
    ("kind", "name", "answers"),
    [
        ("CNAME", "active", {"PRIMARY": ["primary.example.com"], "SECONDARY": ["secondary.example.com"]}),
        ("TXT", "region", {"PRIMARY": ['"us-east-1"'], "SECONDARY": ['"us-west-2"']}),
    ],
)
def test_one_name_answers_with_the_region_to_use(kind: str, name: str, answers: dict[str, list[str]]) -> None:
    stack, _ = failover()
    found = records(stack, kind)
    assert {role: record["ResourceRecords"] for role, record in found.items()} == answers
    assert {record["Name"] for record in found.values()} == {f"{name}.serverless-ingest-prod.internal."}
    assert {record["TTL"] for record in found.values()} == {"60"}
    assert len({record["SetIdentifier"] for record in found.values()}) == 2


def check_of(record: dict[str, Any], stack: Stack) -> dict[str, Any]:
    check, _ = record["HealthCheckId"]["Fn::GetAtt"]
    found: dict[str, Any] = of_type(stack, CHECK)[check]["HealthCheckConfig"]
    return found


def test_the_secondary_depends_on_its_own_endpoint_and_on_nothing_else() -> None:
    stack, _ = failover()
    for kind in ("CNAME", "TXT"):
        check = check_of(records(stack, kind)["SECONDARY"], stack)
        assert (check["Type"], check["FullyQualifiedDomainName"]) == ("HTTPS", "secondary.example.com")


@pytest.mark.parametrize("kind", ["CNAME", "TXT"])
def test_the_primary_stands_while_it_is_ready_and_not_unhealthy_and_not_forced(kind: str) -> None:
    stack, _ = failover()
    check = check_of(records(stack, kind)["PRIMARY"], stack)
    assert check["Type"] == "CALCULATED"
    # All of them: with a lower threshold, a region that answers nothing would be outvoted by two alarms that are silent.
    assert check["HealthThreshold"] == len(check["ChildHealthChecks"]) == 3
    checks = of_type(stack, CHECK)
    children = [checks[child["Fn::GetAtt"][0]]["HealthCheckConfig"] for child in check["ChildHealthChecks"]]
    ready, *alarms = children
    assert (ready["Type"], ready["FullyQualifiedDomainName"]) == ("HTTPS", "primary.example.com")
    assert [(each["Type"], each["AlarmIdentifier"], each["InsufficientDataHealthStatus"]) for each in alarms] == [
        ("CLOUDWATCH_METRIC", {"Name": "serverless-peer-unhealthy-prod", "Region": "us-west-2"}, "Healthy"),
        ("CLOUDWATCH_METRIC", {"Name": "serverless-force-failover-prod", "Region": "us-west-2"}, "LastKnownStatus"),
    ]
    for each in (check, *children):
        assert not each.keys() & {"Inverted", "Disabled"}


def test_the_zone_is_private_to_both_vpcs() -> None:
    stack, built = failover()
    assert only(stack, ZONE)["VPCs"] == [
        {"VPCId": "vpc-primary", "VPCRegion": "us-east-1"},
        {"VPCId": "vpc-secondary", "VPCRegion": "us-west-2"},
    ]
    assert built.record_name == "active.serverless-ingest-prod.internal"


def test_without_vpcs_there_are_checks_and_neither_zone_nor_record() -> None:
    stack, built = failover(vpc=False)
    template = Template.from_stack(stack)
    template.resource_count_is(CHECK, 5)
    template.resource_count_is(ZONE, 0)
    template.resource_count_is(RECORD, 0)
    assert built.hosted_zone is None
    assert built.record_name is None
