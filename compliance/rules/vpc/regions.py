"""A system in several regions has its network in each of them."""

from collections.abc import Iterator

from compliance.aws.subnets import VPC
from compliance.cfn.arns import regions_of
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _violations(vpc: Resource, world: TemplateSet) -> Iterator[str]:
    if {network.template.region for network in of_type(world, VPC)} == {vpc.template.region}:
        yield f"every VPC is in {vpc.template.region}, and the templates are of {', '.join(sorted(regions_of(world)))}"


RULE = Rule(
    title="A system in several regions has a VPC in more than one of them",
    why="What runs in the network cannot run anywhere else when its region is down.",
    fix="Declare an AWS::EC2::VPC with the same subnets and endpoints in the other region too.",
    judge=rule_from(_violations, VPC, applies=lambda _resource, world: len(regions_of(world)) > 1),
    controls=nist("CP-7", "CP-10", "SC-36") + hipaa("164.308(a)(7)(i)"),
)
