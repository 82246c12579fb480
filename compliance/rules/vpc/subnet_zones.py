"""The subnets of a VPC are in different zones."""

from collections.abc import Iterator

from compliance.aws.subnets import SUBNET, VPC, in_vpc, zone_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _violations(vpc: Resource, world: TemplateSet) -> Iterator[str]:
    zones = {subnet.path: zone_of(subnet) for subnet in in_vpc(vpc, SUBNET, world)}
    for path, zone in zones.items():
        if zone is None:
            yield f"{path} has no AvailabilityZone, so EC2 may put it beside another"
    if len(set(zones.values())) == 1 and None not in zones.values():
        yield f"its {len(zones)} subnets are in one zone, {next(iter(zones.values()))}; spread them"


RULE = Rule(
    title="The subnets of a VPC are in different zones, each named by the template",
    why=(
        "Zones fail more often than regions. Subnets in one zone give no redundancy: the whole network fails with the zone, "
        "and only a failover of regions helps."
    ),
    fix="Set AvailabilityZoneId of each subnet to a zone of its own, such as use1-az1; or AvailabilityZone.",
    judge=rule_from(_violations, VPC, applies=lambda vpc, world: len(list(in_vpc(vpc, SUBNET, world))) > 1),
    controls=nist("CP-2(5)", "CP-10", "SC-5", "SC-36") + hipaa("164.308(a)(7)(i)"),
)
