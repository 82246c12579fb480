"""A failover pair with its health checks and an alarm, to damage in the tests of what judges them."""

import copy
from typing import Any

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST

Resources = dict[str, dict[str, Any]]

STACK = "serverless-failover-prod"


def record(role: str, region: str, check: Any, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a failover record that sends clients to a region."""
    properties = {
        "HostedZoneId": "Z1",
        "Name": "ingest.example.com.",
        "Type": "CNAME",
        "TTL": "60",
        "Failover": role,
        "SetIdentifier": role.lower(),
        "HealthCheckId": check,
        "ResourceRecords": [f"api.{region}.example.com"],
        **changes,
    }
    return {"Type": "AWS::Route53::RecordSet", "Properties": {k: v for k, v in properties.items() if v is not None}}


def health_check(**settings: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a health check."""
    return {"Type": "AWS::Route53::HealthCheck", "Properties": {"HealthCheckConfig": settings}}


def endpoint_check(region: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a plain health check of a region's host."""
    return health_check(**{"Type": "HTTPS", "FullyQualifiedDomainName": f"api.{region}.example.com", **changes})


def alarm_check(name: Any, region: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a health check on an alarm."""
    return health_check(Type="CLOUDWATCH_METRIC", AlarmIdentifier={"Name": name, "Region": region})


def check_id(logical_id: str) -> dict[str, Any]:
    """Return a reference to a health check."""
    return {"Fn::GetAtt": [logical_id, "HealthCheckId"]}


def pair() -> Resources:
    """Both records and both checks, with nothing wrong with them."""
    return {
        "First": record("PRIMARY", EAST, check_id("FirstCheck")),
        "Second": record("SECONDARY", WEST, check_id("SecondCheck")),
        "FirstCheck": endpoint_check(EAST),
        "SecondCheck": endpoint_check(WEST),
    }


def changed_pair(**changes: Any) -> Resources:  # noqa: ANN401
    """Return the pair with other resources; None takes one away."""
    resources = {**pair(), **copy.deepcopy(changes)}
    return {name: resource for name, resource in resources.items() if resource is not None}


def alarm(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a metric alarm that Route 53 can read."""
    properties = {
        "AlarmName": "serverless-peer-prod",
        "Namespace": "Lockstep",
        "MetricName": "PeerHealthy",
        "Statistic": "Minimum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        **changes,
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {k: v for k, v in properties.items() if v is not None}}


def world(resources: Resources, **others: Resources) -> tuple[Template, ...]:
    """Return the failover stack in the secondary region beside stacks in both regions that make `EAST` and `WEST` known."""
    regional = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    return (
        template(resources, WEST, STACK),
        template({**regional, **others.get("east", {})}, EAST),
        template({**regional, **others.get("west", {})}, WEST),
    )
