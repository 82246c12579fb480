"""Failover by DNS: health checks, and one name that answers with the right region.

The PRIMARY record stands as long as the primary's `/ready` answers AND NOT the secondary's observer finds the primary
unhealthy AND NOT a person forces the failover. Both alarms are in the secondary's region, so that no signal for
leaving the primary comes from the primary.

The SECONDARY record depends on its own region's `/ready` and on nothing else: it must never wait for a signal from the
region that is lost. It has a check at all because a fault that makes `/ready` fail in both regions at once, a bad
deployment say, is no reason to leave the primary: when neither record is healthy, Route 53 answers PRIMARY.
docs/adr/0013-routing.md tells the whole of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Tags
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.constructs.alarms import FORCE_FAILOVER, PEER_UNHEALTHY
from infra.region import RegionContext, RegionRole
from infra.settings import Settings

READY_PATH: Final = "/ready"
CHECK_INTERVAL_SECONDS: Final = 10
FAILURES: Final = 3
"""Three times ten seconds and one lifetime of a record: a fault is passed by in a minute and a half."""
RECORD_SECONDS: Final = 60


def ready_check(scope: Construct, construct_id: str, *, context: RegionContext, host: str) -> route53.CfnHealthCheck:
    """Create the health check of one region: HTTPS to `/ready` on `host`, asked from around the world."""
    check = route53.CfnHealthCheck(
        scope,
        construct_id,
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
            type="HTTPS",
            fully_qualified_domain_name=host,
            port=443,
            resource_path=READY_PATH,
            enable_sni=True,
            request_interval=CHECK_INTERVAL_SECONDS,
            failure_threshold=FAILURES,
        ),
    )
    return _named(check, context, "ready")


def primary_check(
    scope: Construct, construct_id: str, *, context: RegionContext, ready: route53.CfnHealthCheck
) -> route53.CfnHealthCheck:
    """Create the check that the PRIMARY record depends on: all of three, two of which speak from the secondary's region.

    Args:
        scope: the parent, also of the two checks on alarms.
        construct_id: the id under it.
        context: the primary's region.
        ready: the check of its `/ready`.
    """
    children = [
        ready,
        # An observer that says nothing is no reason to move clients.
        _alarm_check(scope, "PrimaryNotUnhealthy", context=context, alarm=PEER_UNHEALTHY, on_silence="Healthy"),
        # The observer publishes 0 or 1 each minute. A minute without one is a deployment or a run that failed, and changes
        # nothing that a person decided; longer silence rings `observer-silent`. AWS advises against LastKnownStatus for a
        # metric that is silent for hours, as one that is written once by hand would be:
        # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html
        _alarm_check(scope, "PrimaryNotForced", context=context, alarm=FORCE_FAILOVER, on_silence="LastKnownStatus"),
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


@dataclass(frozen=True, kw_only=True)
class RegionEndpoint:
    """What the failover needs to know of a region.

    Attributes:
        api_host: the host name of its HTTP API.
        vpc_id: its VPC; None where the settings have none.
    """

    api_host: str
    vpc_id: str | None


class PrivateFailover(Construct):
    """Failover where no domain is set: health checks, and records in a private hosted zone of both VPCs.

    Two names in the zone: `active`, a CNAME to the active region's API host, and `region`, a TXT with that
    region's name. A client asks either, then calls and signs for that region's own host: the API's
    certificate does not hold a private name. Where there is no VPC there is no one to resolve a private name,
    so there is neither zone nor record, and clients go by the stacks' outputs; the health checks are there
    all the same.

    Attributes:
        health_checks: what each region's record depends on.
        hosted_zone: the zone; None without VPCs.
        record_name: the name of the CNAME; None without VPCs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        endpoints: Mapping[RegionRole, RegionEndpoint],
    ) -> None:
        super().__init__(scope, construct_id)
        self._regions = {role: RegionContext(settings=settings, role=role) for role in RegionRole}
        ready = {
            role: ready_check(self, f"{role.capitalize()}Ready", context=context, host=endpoints[role].api_host)
            for role, context in self._regions.items()
        }
        primary = RegionRole.PRIMARY
        self.health_checks = {
            **ready,
            primary: primary_check(self, "PrimaryHealthy", context=self._regions[primary], ready=ready[primary]),
        }
        self.hosted_zone: route53.CfnHostedZone | None = None
        self.record_name: str | None = None
        vpc_ids = {role: endpoint.vpc_id for role, endpoint in endpoints.items() if endpoint.vpc_id}
        if len(vpc_ids) == len(self._regions):
            self._zone(vpc_ids)
            self._records(endpoints)

    def _zone(self, vpc_ids: Mapping[RegionRole, str]) -> None:
        self._zone_name = f"{self._regions[RegionRole.PRIMARY].naming.api('ingest')}.internal"
        self.hosted_zone = route53.CfnHostedZone(
            self,
            "Zone",
            name=self._zone_name,
            hosted_zone_config=route53.CfnHostedZone.HostedZoneConfigProperty(comment="Which region to send files to"),
            vpcs=[
                route53.CfnHostedZone.VPCProperty(vpc_id=vpc_ids[role], vpc_region=context.region)
                for role, context in self._regions.items()
            ],
        )

    def _records(self, endpoints: Mapping[RegionRole, RegionEndpoint]) -> None:
        self.record_name = f"active.{self._zone_name}"
        for role, context in self._regions.items():
            self._record(role, "Active", name=self.record_name, kind="CNAME", value=endpoints[role].api_host)
            # The value of a TXT record is a quoted string.
            self._record(role, "Region", name=f"region.{self._zone_name}", kind="TXT", value=f'"{context.region}"')

    def _record(self, role: RegionRole, word: str, *, name: str, kind: str, value: str) -> None:
        assert self.hosted_zone is not None  # noqa: S101 - made just before; told to the type checker
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
