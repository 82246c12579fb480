"""Failover by DNS: health checks, and one name that resolves to the region to use.

The PRIMARY record is healthy while the primary's `/ready` answers, the secondary's observer does not report the primary
as unhealthy, and no operator forces the failover. Both alarms are in the secondary's region, so that no signal for
leaving the primary comes from the primary.

The SECONDARY record depends only on its own region's `/ready`: it must never wait for a signal from the lost region. It
has a check because a fault of `/ready` in both regions at once, such as a bad deployment, is no reason to leave the
primary: when neither record is healthy, Route 53 answers PRIMARY. docs/adr/0013-routing.md has the details.

Two parts of a health check cannot be updated: the interval of its requests, and the properties copied from its alarm at
creation. Each is part of the check's logical id, so a change of it creates a new check.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import Stack, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.naming import FORCE_FAILOVER, PEER_UNHEALTHY
from infra.region import RegionContext, RegionRole
from infra.settings import Settings

READY_PATH: Final = "/ready"
_FAST_SECONDS: Final = 10
_STANDARD_SECONDS: Final = 30
"""The two request intervals of Route 53; the fast one costs more and sends three times the requests."""
FAILURES: Final = 3
"""Failed checks before a record is unhealthy. At ten seconds each, clients leave a failed region within 90 seconds."""
RECORD_SECONDS: Final = 60

_COPIED: Final = (
    "AlarmName", "ComparisonOperator", "Dimensions", "EvaluationPeriods", "MetricName", "Namespace", "Period", "Statistic",
    "Threshold", "TreatMissingData",
)  # fmt: skip
"""Properties of an alarm that decide the status of its health check. Route 53 reads them when the check is created, and
ignores later changes of the alarm:
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html"""


def copied_digest(alarm: Mapping[str, Any], region: str) -> str:
    """Return a digest of what Route 53 copies from an alarm.

    Args:
        alarm: The properties of an `AWS::CloudWatch::Alarm`, as in a template.
        region: The alarm's region.
    """
    copied = {name: alarm.get(name) for name in _COPIED} | {"Region": region}
    if copied["Dimensions"]:
        copied["Dimensions"] = sorted(copied["Dimensions"], key=lambda each: str(each["Name"]))
    return hashlib.sha256(json.dumps(copied, sort_keys=True).encode()).hexdigest()[:8].upper()


def copied_digests(alarms: Mapping[str, cloudwatch.Alarm]) -> dict[str, str]:
    """Return the digest of each alarm that Route 53 reads, by the word in the alarm's name."""
    return {word: _digest_of(alarms[word]) for word in (PEER_UNHEALTHY, FORCE_FAILOVER)}


def _digest_of(alarm: cloudwatch.Alarm) -> str:
    resource: Any = alarm.node.default_child
    stack = Stack.of(alarm)
    # As the template will have them; an override is not among them, and unit_tests/infra/test_health_check_ids.py sees it.
    properties = stack.resolve(resource._render_properties(resource._updated_properties))  # noqa: SLF001 - protected in jsii
    return copied_digest(properties, stack.region)


def ready_check(scope: Construct, construct_id: str, *, context: RegionContext, host: str) -> route53.CfnHealthCheck:
    """Create the health check of one region: HTTPS to `/ready` on `host`, from Route 53's checkers around the world."""
    interval = _FAST_SECONDS if context.settings.is_protected else _STANDARD_SECONDS
    check = route53.CfnHealthCheck(
        scope,
        construct_id if interval == _FAST_SECONDS else f"{construct_id}Every{interval}",
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="HTTPS",
            fully_qualified_domain_name=host,
            port=443,
            resource_path=READY_PATH,
            enable_sni=True,
            request_interval=interval,
            failure_threshold=FAILURES,
        ),
    )
    return _named(check, context, "ready")


def primary_check(
    scope: Construct,
    construct_id: str,
    *,
    context: RegionContext,
    ready: route53.CfnHealthCheck,
    alarm_digests: Mapping[str, str],
) -> route53.CfnHealthCheck:
    """Create the health check of the PRIMARY record: three checks must pass, two on alarms of the secondary's region.

    Args:
        scope: the parent, also of the two checks on alarms.
        construct_id: the id under it.
        context: the primary's region.
        ready: the check of its `/ready`.
        alarm_digests: what `copied_digests` returns for the other region's alarms.
    """

    def alarm_check(construct_id: str, alarm: str, on_silence: str) -> route53.CfnHealthCheck:
        return _alarm_check(
            scope, f"{construct_id}{alarm_digests[alarm]}", context=context, alarm=alarm, on_silence=on_silence
        )

    children = [
        ready,
        # An observer that says nothing is no reason to move clients.
        alarm_check("PrimaryNotUnhealthy", PEER_UNHEALTHY, on_silence="Healthy"),
        # The observer publishes 0 or 1 each minute. A minute without one is a deployment or a run that failed, and changes
        # nothing that a person decided; longer silence rings `observer-silent`. AWS advises against LastKnownStatus for a
        # metric that is silent for hours, as one that is written once by hand would be:
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html
        alarm_check("PrimaryNotForced", FORCE_FAILOVER, on_silence="LastKnownStatus"),
    ]
    check = route53.CfnHealthCheck(
        scope,
        construct_id,
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="CALCULATED",
            child_health_checks=[child.attr_health_check_id for child in children],
            health_threshold=len(children),
        ),
    )
    return _named(check, context, "healthy")


def _alarm_check(
    scope: Construct, construct_id: str, *, context: RegionContext, alarm: str, on_silence: str
) -> route53.CfnHealthCheck:
    """Create a check that fails while an alarm of the other region than `context` is in ALARM."""
    check = route53.CfnHealthCheck(
        scope,
        construct_id,
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="CLOUDWATCH_METRIC",
            alarm_identifier=route53.CfnHealthCheck.AlarmIdentifierProperty(
                # By name: neither region's stack may wait for the other's.
                name=context.naming.alarm(alarm),
                region=context.peer.region,
            ),
            insufficient_data_health_status=on_silence,
        ),
    )
    return _named(check, context, f"not-{alarm}")


def _named(check: route53.CfnHealthCheck, context: RegionContext, says: str) -> route53.CfnHealthCheck:
    # A health check has no name but this tag, and both regions' are listed in one global console.
    Tags.of(check).add("Name", context.naming.alarm(f"{context.role}-{says}"))
    return check


class PrivateFailover(Construct):
    """Failover where no domain is set: health checks, and records in a private hosted zone of the clients' VPCs.

    The zone has two names: `active`, a CNAME to the active region's API host, and `region`, a TXT with that
    region's name. A client resolves either, then calls and signs for that region's own host: the API's
    certificate does not hold a private name. Without client VPCs nobody can resolve a private name, so there is neither
    zone nor record nor health check, and clients try the two hosts in order (docs/client.md).

    The VPCs need a way to the internet: an HTTP API has no private endpoint, and an interface endpoint of execute-api with
    private DNS answers 403 for a public API (https://repost.aws/knowledge-center/api-gateway-vpc-connections).

    Attributes:
        health_checks: the health check of each region's record.
        hosted_zone: the zone.
        record_name: the name of the CNAME.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        api_hosts: Mapping[RegionRole, str],
        alarm_digests: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._regions = {role: RegionContext(settings=settings, role=role) for role in RegionRole}
        ready = {
            role: ready_check(self, f"{role.capitalize()}Ready", context=context, host=api_hosts[role])
            for role, context in self._regions.items()
        }
        primary = RegionRole.PRIMARY
        healthy = primary_check(
            self, "PrimaryHealthy", context=self._regions[primary], ready=ready[primary], alarm_digests=alarm_digests
        )
        self.health_checks = {**ready, primary: healthy}
        zone_name = f"{self._regions[primary].naming.api('ingest')}.internal"
        self.hosted_zone = route53.CfnHostedZone(
            self,
            "Zone",
            name=zone_name,
            hosted_zone_config=route53.CfnHostedZone.HostedZoneConfigProperty(comment="Which region to send files to"),
            vpcs=[
                route53.CfnHostedZone.VPCProperty(vpc_id=vpc_id, vpc_region=region)
                for region, vpc_ids in settings.client_vpcs.items()
                for vpc_id in vpc_ids
            ],
        )
        self.record_name = f"active.{zone_name}"
        for role, context in self._regions.items():
            self._record(role, "Active", name=self.record_name, kind="CNAME", value=api_hosts[role])
            # The value of a TXT record is a quoted string.
            self._record(role, "Region", name=f"region.{zone_name}", kind="TXT", value=f'"{context.region}"')

    def _record(self, role: RegionRole, word: str, *, name: str, kind: str, value: str) -> None:
        route53.CfnRecordSet(
            self,
            f"{role.capitalize()}{word}",
            hosted_zone_id=self.hosted_zone.attr_id,
            name=f"{name}.",
            type=kind,
            ttl=str(RECORD_SECONDS),
            resource_records=[value],
            set_identifier=role,
            failover=role.upper(),
            health_check_id=self.health_checks[role].attr_health_check_id,
        )
