"""A function in a network is in several availability zones."""

from collections.abc import Iterator, Sequence

from compliance.aws.event_sources import FUNCTION
from compliance.aws.subnets import SUBNET, in_vpc, zone_of
from compliance.aws.systems import keeps_data_in_several
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _subnets(function: Resource) -> Sequence[Json]:
    config = require_mapping(function.properties.get("VpcConfig"), "VpcConfig")
    return require_list(config.get("SubnetIds"), "VpcConfig.SubnetIds")


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    subnets = [named(value, function.template, world) for value in _subnets(function)]
    known = [subnet for subnet in subnets if subnet is not None and subnet.type == SUBNET]
    zones = {zone_of(subnet) for subnet in known} - {None}
    if len(zones) > 1:
        return
    if len(known) < len(subnets) > 1:
        raise UnresolvedError(
            "VpcConfig.SubnetIds has subnets that are in none of the templates, so their zones are unknown"
        )
    if keeps_data_in_several(world) and len(_zones_beside(known, world)) < 2:  # noqa: PLR2004
        return  # The whole network is in one zone, and the other region takes over from it.
    yield f"its {len(subnets)} subnets are in one zone; name subnets of two zones or more in VpcConfig.SubnetIds"


def _zones_beside(subnets: Sequence[Resource], world: TemplateSet) -> set[str | None]:
    """Return the zones of the VPCs that the subnets are in."""
    networks = [named(subnet.properties.get("VpcId"), subnet.template, world) for subnet in subnets]
    return {zone_of(each) for network in networks if network is not None for each in in_vpc(network, SUBNET, world)}


RULE = Rule(
    title="A function in a VPC has subnets in two availability zones; where two regions keep the data, if its VPC has two",
    why="Lambda places a function in the zones of its subnets only. With one zone, the function fails when that zone does.",
    fix="Name subnets of two zones or more in VpcConfig.SubnetIds.",
    judge=rule_from(_violations, FUNCTION, applies=lambda function, _: bool(_subnets(function))),
    controls=nist("CP-2(5)", "CP-10", "SC-5", "SC-36") + hipaa("164.308(a)(7)(i)"),
)
