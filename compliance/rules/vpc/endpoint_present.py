"""A VPC of functions has an endpoint for each service that they call, and lets them out to it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.event_sources import FUNCTION
from compliance.aws.networks import covers_port, egress_beside, leads_to_groups, leads_to_service
from compliance.aws.roles import granted_to
from compliance.aws.subnets import SUBNET
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ENDPOINT: Final = "AWS::EC2::VPCEndpoint"
_GROUP: Final = "AWS::EC2::SecurityGroup"
_PORT: Final = 443
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
    if vpc is None:
        return
    allowed = [granted.statement for granted in granted_to(function, world) if granted.statement.allows]
    called = {action.partition(":")[0].lower() for statement in allowed for action in statement.actions} & _CALLED
    endpoints = _services(vpc, world)
    if missing := sorted(called - set(endpoints)):
        yield f"it may call {', '.join(missing)}, and {vpc.path} has no endpoint for that; add an {_ENDPOINT}"
    for service in sorted(called & set(endpoints)):
        if not any(_lets_out(function, endpoint, service, world) for endpoint in endpoints[service]):
            yield f"it may call {service}, and its security groups let nothing out to that endpoint on port {_PORT}"


def _services(vpc: Resource, world: TemplateSet) -> Mapping[str, list[Resource]]:
    """Return each version of the VPC's endpoints by service."""
    found: dict[str, list[Resource]] = {}
    for endpoint in of_type(world, _ENDPOINT, region=vpc.template.region):
        for properties in branches(endpoint.properties):
            target = named(properties.get("VpcId"), endpoint.template, world)
            if target is not None and is_same(target, vpc):
                service = render(properties.get("ServiceName"), endpoint.template).rpartition(".")[2]
                found.setdefault(service, []).append(replace(endpoint, properties=properties))
    return found


def _lets_out(function: Resource, endpoint: Resource, service: str, world: TemplateSet) -> bool:
    """Return whether an egress rule leads to the endpoint; without a rule EC2 adds one that allows everything."""
    own = _groups(function, function.properties.get("VpcConfig"), world)
    others = _groups(endpoint, endpoint.properties, world)
    rules = [rule for group in own or () for rule in _egress(group, world)]
    if own is None or others is None or not rules:
        return True
    to_https = [rule for rule in rules if covers_port(rule, _PORT)]
    if endpoint.properties.get("VpcEndpointType") == "Interface":
        return any(leads_to_groups(rule, others, function, world) for rule in to_https)
    return any(leads_to_service(rule, service, function.template.region) for rule in to_https)


def _groups(owner: Resource, settings: Json, world: TemplateSet) -> list[Resource] | None:
    """Return the security groups of a function or an endpoint; None if the templates do not hold them all."""
    values = require_list(require_mapping(settings, "VpcConfig").get("SecurityGroupIds"), "SecurityGroupIds")
    found = [named(value, owner.template, world) for value in values]
    known = [group for group in found if group is not None and group.type == _GROUP]
    return known if len(known) == len(values) and (values or owner.type == _ENDPOINT) else None


def _egress(group: Resource, world: TemplateSet) -> Iterator[Mapping[str, Json]]:
    for properties in branches(group.properties):
        for rule in require_list(properties.get("SecurityGroupEgress"), "SecurityGroupEgress"):
            yield require_mapping(rule, "an egress rule")
    yield from egress_beside(group, world)


RULE = Rule(
    title="A VPC without an exit has an endpoint for each service that its functions may call, and lets them out to it",
    why=(
        "A call to a service without an endpoint, or with one that no egress rule leads to, has no way out of a closed "
        "network: the function waits until its timeout."
    ),
    fix=(
        "Add a gateway endpoint for S3 and DynamoDB, and an interface endpoint for each other service, in every region; in "
        "the functions' security groups, allow port 443 to the prefix lists of S3 and DynamoDB and to the endpoints' group."
    ),
    judge=rule_from(_violations, FUNCTION, applies=_is_in_closed_vpc),
    controls=nist("CP-10", "SC-5", "SC-7") + hipaa("164.308(a)(7)(i)"),
)
