"""Test that the logical id of a health check on an alarm holds a digest of the properties that it copies from the alarm.

integration_tests/local_cloud/test_routing.py shows on the local cloud that Route 53 then replaces the check.
"""

from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.constructs.failover import copied_digest
from infra.settings import Settings
from unit_tests.infra.synthesis import DOMAIN, VPCS, Synthesis, synthesize, synthesized


def out_of_step(made: Synthesis) -> list[str]:
    """Return the logical ids of health checks without the digest of their alarm."""
    alarms = {
        resource["Properties"]["AlarmName"]: resource["Properties"]
        for resource in made.templates["SecondaryRegional"]["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    checks = {
        logical_id: resource["Properties"]["HealthCheckConfig"].get("AlarmIdentifier")
        for template in made.templates.values()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Route53::HealthCheck"
    }
    on_alarms = {logical_id: alarm for logical_id, alarm in checks.items() if alarm}
    assert len(on_alarms) == 2
    return [
        logical_id
        for logical_id, alarm in on_alarms.items()
        if copied_digest(alarms[alarm["Name"]], alarm["Region"]) not in logical_id
    ]


@pytest.mark.parametrize("settings", [Settings(client_vpcs=VPCS), Settings(domain=DOMAIN)], ids=["client VPCs", "domain"])
def test_health_check_id_has_the_digest_of_its_alarm(settings: Settings) -> None:
    assert out_of_step(synthesized(settings)) == []


def test_override_of_the_alarm_changes_the_digest() -> None:
    def override(app: App) -> None:
        alarm: Any = app.node.find_child("SecondaryRegional").node.find_child("Alarms").node.find_child("ForceFailover")
        resource = alarm.node.default_child
        assert isinstance(resource, cloudwatch.CfnAlarm)
        resource.add_property_override("Threshold", 2)

    assert len(out_of_step(synthesize(Settings(client_vpcs=VPCS), override))) == 1
