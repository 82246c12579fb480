"""What a system is as a whole: whether it stands in several regions, and who answers for what no resource of it says."""

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
"""What is made for records that clients resolve, and for nothing else."""
_ROUTING: Final = "ClientRouting"
_ORDERED: Final = "ordered-endpoints"


def speaks_for_all(resource: Resource, world: TemplateSet) -> bool:
    """Whether it is the template at which a rule tells of what the whole system lacks: the first of them by name."""
    return resource.type == STACK and resource.template is min(world.templates, key=lambda each: (each.name, each.region))


def keeps_data_in_several(world: TemplateSet) -> bool:
    """Whether the templates are of several regions and hold data that is replicated between them."""
    if len(regions_of(world)) < 2:  # noqa: PLR2004 - one region is none to fail over to
        return False
    return any(True for _ in of_type(world, GLOBAL_TABLE)) or any(
        _replicates(each, world) for each in of_type(world, BUCKET)
    )


def serves_in_several(world: TemplateSet) -> bool:
    """Whether clients call an API in more than one region."""
    return len({api.template.region for api in of_type(world, *_APIS)} - {""}) > 1


def has_names(world: TemplateSet) -> bool:
    """Whether there is a zone that can hold records for clients, or what one is made for: a domain name or a VPC.

    A VPC alone may be the functions' and hold no client. A system says so by an output `ClientRouting` with the value
    `ordered-endpoints`: its clients try the regions' hosts in order. It is believed only while nothing that records are
    made for is there.
    """
    if any(True for _ in of_type(world, *_NAMED)):
        return True
    return any(True for _ in of_type(world, "AWS::EC2::VPC")) and not _has_ordered_endpoints(world)


def _has_ordered_endpoints(world: TemplateSet) -> bool:
    said = [output.get("Value") for template in world.templates for name, output in outputs(template) if name == _ROUTING]
    return bool(said) and all(value == _ORDERED for value in said)


def _replicates(bucket: Resource, world: TemplateSet) -> bool:
    try:
        return is_replicated(bucket, world)
    except UnresolvedError:
        return False  # The rules on replication say that it cannot be read.
