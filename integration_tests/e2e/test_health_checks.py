"""Compare the alarm settings that Route 53 copied for a health check with the alarm's current settings.

Route 53 does not follow a later change of the alarm. So the two may differ in an account where a person changed the alarm.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from integration_tests.e2e.deployed_stacks import deployed_stacks
from operations.target import Target

_COPIED: Final = ("EvaluationPeriods", "Threshold", "ComparisonOperator", "Period", "MetricName", "Namespace", "Statistic")


def test_health_check_holds_its_alarms_settings(target: Target) -> None:
    checks = [one for stack in deployed_stacks(target) for one in stack.resources if one.type == "AWS::Route53::HealthCheck"]
    if not checks:
        pytest.skip("the platform has no failover records, so no health checks: its clients try the hosts in order")
    compared = 0
    for check in checks:
        held = check.client("route53").get_health_check(HealthCheckId=check.physical_id)["HealthCheck"]
        if held["HealthCheckConfig"]["Type"] != "CLOUDWATCH_METRIC":
            continue
        identifier = held["HealthCheckConfig"]["AlarmIdentifier"]
        cloudwatch = target.client("cloudwatch", identifier["Region"])
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[identifier["Name"]], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        assert _settings(held["CloudWatchAlarmConfiguration"]) == _settings(alarm), f"{check} does not follow its alarm"
        compared += 1
    assert compared == 2, "peer-unhealthy and force-failover"


def _settings(held: dict[str, Any]) -> dict[str, Any]:
    dimensions = sorted((one["Name"], one["Value"]) for one in held.get("Dimensions", []))
    return {name: held[name] for name in _COPIED} | {"Dimensions": dimensions}
