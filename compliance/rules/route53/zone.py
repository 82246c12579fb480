"""A private hosted zone is associated with a VPC in every region."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.cfn.arns import regions_of
from compliance.cfn.reading import possible_texts
from compliance.cfn.references import render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ZONE: Final = "AWS::Route53::HostedZone"
_PRIVATE: Final = ".internal"
"""The top-level domain that ICANN has reserved for private use."""


def _is_private(zone: Resource, _world: TemplateSet) -> bool:
    name = render(zone.properties.get("Name"), zone.template).rstrip(".")
    return name.endswith(_PRIVATE) or not is_absent(zone.properties.get("VPCs"))


def _violations(zone: Resource, world: TemplateSet) -> Iterator[str]:
    if is_absent(zone.properties.get("VPCs")):
        yield f"it has no VPCs, so it is public, and {_PRIVATE} is no public domain: nobody can ask it"
        return
    associated = set(_regions(zone))
    missing = sorted(region for region in regions_of(world) if region not in associated)
    if missing:
        yield f"VPCs names none in {', '.join(missing)}: nothing there can ask this zone; associate a VPC of each region"


def _regions(zone: Resource) -> Iterator[str]:
    vpcs = zone.properties["VPCs"]
    if not isinstance(vpcs, list):
        raise UnresolvedError("VPCs is not a list that the template spells out")
    for vpc in vpcs:
        if not isinstance(vpc, Mapping) or "VPCRegion" not in vpc:
            raise UnresolvedError("VPCs has an element that does not spell out its VPCRegion")
        yield from filter(None, possible_texts(vpc.get("VPCRegion")))


RULE = Rule(
    title="A private hosted zone is associated with a VPC in every region",
    why=(
        "A private zone resolves only in its associated VPCs. If only one region's VPC is associated and that region is "
        "lost, the active region's name does not resolve in the other."
    ),
    fix="List a VPC of each region in VPCs, each with its VPCRegion.",
    judge=rule_from(_violations, _ZONE, applies=_is_private),
    controls=nist("CP-10", "SC-22") + hipaa("164.308(a)(7)(ii)(C)"),
)
