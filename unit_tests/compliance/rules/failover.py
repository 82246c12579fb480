"""A failover pair with its health checks and an alarm, to change in the tests of the rules about Route 53."""

import copy
from typing import Any

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import Resource, Value, given, resource

Resources = dict[str, Resource]

STACK = "serverless-failover-prod"


def record(role: str, region: str, check: Value, **changes: Value) -> Resource:
    """Return a failover record that sends clients to a region."""
    whole = {
        "HostedZoneId": "Z1",
        "Name": "ingest.example.com.",
        "Type": "CNAME",
        "TTL": "60",
        "Failover": role,
        "SetIdentifier": role.lower(),
        "HealthCheckId": check,
        "ResourceRecords": [f"api.{region}.example.com"],
    }
    return resource("Route53::RecordSet", **{**whole, **changes})


def health_check(**settings: Value) -> Resource:
    return resource("Route53::HealthCheck", HealthCheckConfig=settings)


def endpoint_check(region: str, **changes: Value) -> Resource:
    """Return a plain health check of a region's host."""
    return health_check(**{"Type": "HTTPS", "FullyQualifiedDomainName": f"api.{region}.example.com", **changes})


def alarm_check(name: Value, region: Value) -> Resource:
    return health_check(Type="CLOUDWATCH_METRIC", AlarmIdentifier={"Name": name, "Region": region})


def check_id(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "HealthCheckId"]}


def pair() -> Resources:
    """Return both records and both checks, with nothing wrong with them."""
    return {
        "First": record("PRIMARY", EAST, check_id("FirstCheck")),
        "Second": record("SECONDARY", WEST, check_id("SecondCheck")),
        "FirstCheck": endpoint_check(EAST),
        "SecondCheck": endpoint_check(WEST),
    }


def changed_pair(**changes: Value) -> Resources:
    """Return the pair with other resources; None removes one."""
    return given(**{**pair(), **copy.deepcopy(changes)})


def alarm(**changes: Value) -> Resource:
    """Return a metric alarm that Route 53 can read."""
    whole = {
        "AlarmName": "serverless-peer-prod",
        "Namespace": "Lockstep",
        "MetricName": "PeerHealthy",
        "Statistic": "Minimum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
    }
    return resource("CloudWatch::Alarm", **{**whole, **changes})


def world(resources: Resources, **others: Resources) -> tuple[Template, ...]:
    """Return the failover stack in the secondary region beside stacks in both regions that make `EAST` and `WEST` known."""
    regional = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    return (
        template(resources, WEST, STACK),
        template({**regional, **others.get("east", {})}, EAST),
        template({**regional, **others.get("west", {})}, WEST),
    )
