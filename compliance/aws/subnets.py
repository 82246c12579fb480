"""The subnets and route tables of a VPC, and the zones that they are in."""

from collections.abc import Iterator

from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent

SUBNET = "AWS::EC2::Subnet"
VPC = "AWS::EC2::VPC"


def in_vpc(vpc: Resource, kind: str, world: TemplateSet) -> Iterator[Resource]:
    """Yield the resources of a type whose `VpcId` is the VPC."""
    for resource in of_type(world, kind, region=vpc.template.region):
        target = named(resource.properties.get("VpcId"), resource.template, world)
        if target is not None and target.template is vpc.template and target.logical_id == vpc.logical_id:
            yield resource


def zone_of(subnet: Resource) -> str | None:
    """Return the availability zone of a subnet, as rendered; None if EC2 chooses it.

    Raises:
        UnresolvedError: The template does not tell two zones apart.
    """
    for name in ("AvailabilityZone", "AvailabilityZoneId"):
        value: Json = subnet.properties.get(name)
        if not is_absent(value):
            return render(value, subnet.template)
    return None
