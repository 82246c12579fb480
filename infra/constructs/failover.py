"""Failover by DNS: a health check on each region's `/ready`, and one name that answers with the right region.

Each region's record depends on that region's own health check and on nothing else, so that the SECONDARY
never waits for a signal from the primary's region. Both have one: a fault that makes both checks fail at
once, a bad deployment of `/ready` say, is no reason to leave the primary, and when neither is healthy Route
53 answers PRIMARY.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Tags
from aws_cdk import aws_route53 as route53
from constructs import Construct

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
    # A health check has no name but this tag, and both regions' are listed in one global console.
    Tags.of(check).add("Name", context.naming.alarm(f"{context.role}-ready"))
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
        health_checks: each region's.
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
        self.health_checks = {
            role: ready_check(self, f"{role.capitalize()}Ready", context=context, host=endpoints[role].api_host)
            for role, context in self._regions.items()
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
