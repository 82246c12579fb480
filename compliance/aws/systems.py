"""A system as a whole: its regions, its data and clients, and the template that reports what is missing."""

from typing import Final

from compliance.aws.apis import HTTP_API, REST_API
from compliance.aws.replicas import GLOBAL_TABLE
from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.cfn.arns import regions_of
from compliance.cfn.references import of_type, outputs
from compliance.cfn.templates import STACK, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError

_APIS: Final = (HTTP_API, REST_API)
_NAMED: Final = (
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::DomainNameV2",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::Route53::HealthCheck",
    "AWS::Route53::HostedZone",
)
"""Types that serve only records that clients resolve."""
_ROUTING: Final = "ClientRouting"
_ORDERED: Final = "ordered-endpoints"


def speaks_for_all(resource: Resource, world: TemplateSet) -> bool:
    """Return whether it is the template at which a rule reports what the whole system lacks: the first by name."""
    return resource.type == STACK and resource.template is min(world.templates, key=lambda each: (each.name, each.region))


def keeps_data_in_several(world: TemplateSet) -> bool:
    """Return whether the templates are of several regions and hold data that is replicated between them."""
    if len(regions_of(world)) < 2:  # noqa: PLR2004 - one region is none to fail over to
        return False
    return any(True for _ in of_type(world, GLOBAL_TABLE)) or any(
        _replicates(each, world) for each in of_type(world, BUCKET)
    )


def serves_in_several(world: TemplateSet) -> bool:
    """Return whether clients call an API in more than one region."""
    return len({api.template.region for api in of_type(world, *_APIS)} - {""}) > 1


def has_names(world: TemplateSet) -> bool:
    """Return whether there is a zone that can hold records for clients, or what one is made for: a domain name or a VPC.

    A VPC alone may be the functions' and hold no client. A system declares that by an output `ClientRouting` with the value
    `ordered-endpoints`: its clients try the regions' hosts in order. It is believed only while nothing that records are
    made for is there.
    """
    if any(True for _ in of_type(world, *_NAMED)):
        return True
    return any(True for _ in of_type(world, "AWS::EC2::VPC")) and not _has_ordered_endpoints(world)


def _has_ordered_endpoints(world: TemplateSet) -> bool:
    values = [output.get("Value") for template in world.templates for name, output in outputs(template) if name == _ROUTING]
    return bool(values) and all(value == _ORDERED for value in values)


def _replicates(bucket: Resource, world: TemplateSet) -> bool:
    try:
        return is_replicated(bucket, world)
    except UnresolvedError:
        return False  # The rules on replication say that it cannot be read.
