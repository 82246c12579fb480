"""Test failover without a domain: health checks, zone and records."""

from typing import Any

import pytest
from aws_cdk import Stack

from infra.constructs.failover import PrivateFailover, copied_digest
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import context, of_type, only, stack_in

RECORD, CHECK, ZONE = "AWS::Route53::RecordSet", "AWS::Route53::HealthCheck", "AWS::Route53::HostedZone"
VPCS = {"us-east-1": ["vpc-0000000e", "vpc-0000000f"], "us-west-2": ["vpc-0000000a"]}
DIGESTS = {"peer-unhealthy": "0A", "force-failover": "0B"}


def failover(**settings: object) -> tuple[Stack, PrivateFailover]:
    of = context(RegionRole.SECONDARY, client_vpcs=VPCS, **settings)
    stack = stack_in(of)
    hosts = {role: f"{role}.example.com" for role in RegionRole}
    return stack, PrivateFailover(stack, "Failover", settings=of.settings, api_hosts=hosts, alarm_digests=DIGESTS)


def records(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    return {record["Failover"]: record for record in of_type(stack, RECORD).values() if record["Type"] == kind}


def test_health_checks_read_ready_of_both_regions() -> None:
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


def test_health_checks_have_distinct_names_in_the_console() -> None:
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
def test_failover_name_answers_with_the_region_to_use(kind: str, name: str, answers: dict[str, list[str]]) -> None:
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


def test_secondary_depends_on_its_own_endpoint_only() -> None:
    stack, _ = failover()
    for kind in ("CNAME", "TXT"):
        check = check_of(records(stack, kind)["SECONDARY"], stack)
        assert (check["Type"], check["FullyQualifiedDomainName"]) == ("HTTPS", "secondary.example.com")


@pytest.mark.parametrize("kind", ["CNAME", "TXT"])
def test_primary_is_healthy_while_ready_and_not_unhealthy_or_forced(kind: str) -> None:
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


def test_zone_is_private_to_the_clients_vpcs() -> None:
    stack, built = failover()
    assert only(stack, ZONE)["VPCs"] == [
        {"VPCId": "vpc-0000000e", "VPCRegion": "us-east-1"},
        {"VPCId": "vpc-0000000f", "VPCRegion": "us-east-1"},
        {"VPCId": "vpc-0000000a", "VPCRegion": "us-west-2"},
    ]
    assert built.record_name == "active.serverless-ingest-prod.internal"


@pytest.mark.parametrize(("environment", "seconds"), [("prod", 10), ("staging", 30), ("dev", 30)])
def test_fast_health_checks_are_for_prod_only(environment: str, seconds: int) -> None:
    stack, _ = failover(environment=environment)
    checks = [check["HealthCheckConfig"] for check in of_type(stack, CHECK).values()]
    endpoints = [check for check in checks if check["Type"] == "HTTPS"]
    assert [check["RequestInterval"] for check in endpoints] == [seconds, seconds]
    assert all(seconds * check["FailureThreshold"] <= 90 for check in endpoints)


def test_changed_interval_creates_another_health_check() -> None:
    # Route 53 cannot update RequestInterval, and CloudFormation would fail to.
    def endpoints(environment: str) -> set[str]:
        found = of_type(failover(environment=environment)[0], CHECK)
        return {name for name, check in found.items() if check["HealthCheckConfig"]["Type"] == "HTTPS"}

    assert not endpoints("prod") & endpoints("dev")
    assert endpoints("staging") == endpoints("dev")


ALARM: dict[str, Any] = {
    "AlarmName": "serverless-force-failover-prod",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Dimensions": [{"Name": "environment", "Value": "prod"}, {"Name": "service", "Value": "observer"}],
    "EvaluationPeriods": 1,
    "MetricName": "ForceFailover",
    "Namespace": "Lockstep",
    "Period": 60,
    "Statistic": "Maximum",
    "Threshold": 1,
    "TreatMissingData": "ignore",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"AlarmName": "serverless-force-failover-dev"},
        {"ComparisonOperator": "GreaterThanThreshold"},
        {"Dimensions": [{"Name": "environment", "Value": "prod"}]},
        {"Dimensions": [{"Name": "environment", "Value": "prod"}, {"Name": "service", "Value": "operations"}]},
        {"EvaluationPeriods": 2},
        {"MetricName": "PeerUnhealthy"},
        {"Namespace": "Other"},
        {"Period": 120},
        {"Statistic": "Sum"},
        {"Threshold": 0.5},
        {"TreatMissingData": "missing"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_copied_property_is_part_of_the_digest(changed: dict[str, Any]) -> None:
    assert copied_digest(ALARM | changed, "us-west-2") != copied_digest(ALARM, "us-west-2")


def test_alarm_region_is_part_of_the_digest() -> None:
    assert copied_digest(ALARM, "us-west-2") != copied_digest(ALARM, "us-east-1")


@pytest.mark.parametrize(
    "kept", [{"AlarmDescription": "x"}, {"AlarmActions": []}, {"Dimensions": ALARM["Dimensions"][::-1]}]
)
def test_property_that_route_53_does_not_copy_replaces_no_check(kept: dict[str, Any]) -> None:
    assert copied_digest(ALARM | kept, "us-west-2") == copied_digest(ALARM, "us-west-2")


def test_digest_is_part_of_the_logical_id() -> None:
    found = of_type(failover()[0], CHECK)
    by_alarm = {
        check["HealthCheckConfig"]["AlarmIdentifier"]["Name"]: logical_id
        for logical_id, check in found.items()
        if "AlarmIdentifier" in check["HealthCheckConfig"]
    }
    assert "PrimaryNotForced0B" in by_alarm["serverless-force-failover-prod"]
    assert "PrimaryNotUnhealthy0A" in by_alarm["serverless-peer-unhealthy-prod"]
