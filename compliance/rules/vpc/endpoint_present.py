"""A VPC of functions has an endpoint for each service that they call."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.event_sources import FUNCTION
from compliance.aws.roles import granted_to
from compliance.aws.subnets import SUBNET
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ENDPOINT: Final = "AWS::EC2::VPCEndpoint"
_EXITS: Final = ("AWS::EC2::NatGateway", "AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::TransitGatewayAttachment")
_CALLED: Final = frozenset(
    {"dynamodb", "events", "kinesis", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm", "states"}
)
"""Services, by the prefix of their actions and the end of their endpoint's name, that a function itself connects to. KMS is
asked by the services, and Lambda sends logs, traces and metrics by its own network."""


def _is_in_closed_vpc(function: Resource, world: TemplateSet) -> bool:
    return _vpc_of(function, world) is not None and not any(True for _ in of_type(world, *_EXITS))


def _vpc_of(function: Resource, world: TemplateSet) -> Resource | None:
    """Return the VPC of the templates that the function's first subnet is in."""
    config = require_mapping(function.properties.get("VpcConfig"), "VpcConfig")
    for value in require_list(config.get("SubnetIds"), "VpcConfig.SubnetIds"):
        subnet = named(value, function.template, world)
        if subnet is not None and subnet.type == SUBNET:
            return named(subnet.properties.get("VpcId"), subnet.template, world)
    return None


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    vpc = _vpc_of(function, world)
    allowed = [granted.statement for granted in granted_to(function, world) if granted.statement.allows]
    services = {action.partition(":")[0].lower() for statement in allowed for action in statement.actions} & _CALLED
    missing = sorted(services - set(_services(vpc, world))) if vpc is not None else []
    if vpc is not None and missing:
        yield f"it may call {', '.join(missing)}, and {vpc.path} has no endpoint for that; add an {_ENDPOINT}"


def _services(vpc: Resource, world: TemplateSet) -> Iterator[str]:
    for endpoint in of_type(world, _ENDPOINT, region=vpc.template.region):
        for properties in branches(endpoint.properties):
            target = named(properties.get("VpcId"), endpoint.template, world)
            if target is not None and is_same(target, vpc):
                yield render(properties.get("ServiceName"), endpoint.template).rpartition(".")[2]


RULE = Rule(
    title="A VPC without an exit has an endpoint for each service that its functions may call",
    why="A call to a service without an endpoint has no way out of a closed network: the function waits until its timeout.",
    fix="Add a gateway endpoint for S3 and DynamoDB, and an interface endpoint for each other service, in every region.",
    judge=rule_from(_violations, FUNCTION, applies=_is_in_closed_vpc),
    controls=nist("CP-10", "SC-5", "SC-7") + hipaa("164.308(a)(7)(i)"),
)
