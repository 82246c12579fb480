"""What needs a permission or a way is created after it."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.apis import HTTP_ROUTE, HTTP_STAGE
from compliance.aws.dead_letters import QUEUE, TOPIC, is_same
from compliance.aws.event_sources import FUNCTION
from compliance.aws.notifications import notifications_of
from compliance.aws.replication_terms import BUCKET, CUSTOM
from compliance.aws.resource_policies import policies_on
from compliance.aws.roles import ROLE, policies_attached_to, role_of
from compliance.aws.scheduled_functions import PERMISSION
from compliance.aws.subnets import in_vpc
from compliance.cfn.arns import find
from compliance.cfn.order import is_created_before
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.references import named, of_type, values_in
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_TRAIL: Final = "AWS::CloudTrail::Trail"
_ROTATION: Final = "AWS::SecretsManager::RotationSchedule"
_MAPPING: Final = "AWS::ApiGatewayV2::ApiMapping"
_ASSOCIATION: Final = "AWS::EC2::SubnetRouteTableAssociation"
_EGRESS: Final = "AWS::EC2::SecurityGroupEgress"
_ENDPOINT: Final = "AWS::EC2::VPCEndpoint"
_INGRESS: Final = "AWS::EC2::SecurityGroupIngress"


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for needed in _needs(resource, world):
        # What names the resource itself cannot be created before it.
        can_be_first = needed.template is resource.template and not is_created_before(resource, needed)
        if can_be_first and not is_same(needed, resource) and not is_created_before(needed, resource):
            yield f"nothing makes CloudFormation create {needed.path} first; add it to DependsOn"


def _needs(resource: Resource, world: TemplateSet) -> Iterator[Resource]:
    given = resource.properties
    match resource.type:
        case "AWS::Lambda::Function":
            yield from _policies(given.get("Role"), resource, world)
            yield from _ways(resource, world)
        case "AWS::S3::Bucket":
            role = require_mapping(given.get("ReplicationConfiguration"), "ReplicationConfiguration").get("Role")
            yield from _policies(role, resource, world)
            for notification in notifications_of(resource):
                yield from _admissions(notification.target, "s3.amazonaws.com", resource, world)
        case "AWS::CloudTrail::Trail":
            yield from _policies(given.get("CloudWatchLogsRoleArn"), resource, world)
            bucket = _find(given.get("S3BucketName"), resource, world, BUCKET)
            yield from policies_on(bucket, world) if bucket else ()
        case "AWS::SecretsManager::RotationSchedule":
            yield from _admissions(given.get("RotationLambdaARN"), "secretsmanager.amazonaws.com", resource, world)
        case "AWS::ApiGatewayV2::Stage":
            keys = require_mapping(given.get("RouteSettings"), "RouteSettings")
            yield from (route for route in _of_api(HTTP_ROUTE, resource, world) if route.properties.get("RouteKey") in keys)
        case "AWS::ApiGatewayV2::ApiMapping":
            name = given.get("Stage")
            yield from (stage for stage in _of_api(HTTP_STAGE, resource, world) if stage.properties.get("StageName") == name)
        case _:  # a custom resource
            for value in values_in(given):
                target = named(value, resource.template, world) if isinstance(value, dict) else None
                yield from _policies(value, resource, world) if target is not None and target.type == ROLE else ()


def _policies(value: Json, resource: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the policies of the role that a service is given: it checks them at once, or works without them at first."""
    role = None if is_absent(value) else role_of(value, resource.template, world)
    yield from policies_attached_to(role, world) if role else ()


def _admissions(value: Json, service: str, resource: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield what lets a service send to a queue, a topic or a function: AWS refuses the setting without it."""
    target = _find(value, resource, world, QUEUE, TOPIC, FUNCTION)
    if target is None:
        return
    if target.type != FUNCTION:
        yield from policies_on(target, world)
    for permission in of_type(world, PERMISSION) if target.type == FUNCTION else ():
        whose = _find(permission.properties.get("FunctionName"), permission, world, FUNCTION)
        if whose is not None and is_same(whose, target) and permission.properties.get("Principal") == service:
            yield permission


def _ways(function: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the endpoints of the function's VPC, and the routes and rules by which it reaches them."""
    config = require_mapping(function.properties.get("VpcConfig"), "VpcConfig")
    subnets = list(_named_in(config, "SubnetIds", function, world))
    vpc = named(subnets[0].properties.get("VpcId"), subnets[0].template, world) if subnets else None
    endpoints = list(in_vpc(vpc, _ENDPOINT, world)) if vpc else []
    yield from endpoints
    for subnet in subnets:
        yield from _of(subnet, "SubnetId", _ASSOCIATION, world)
    for group in _named_in(config, "SecurityGroupIds", function, world):
        yield from _of(group, "GroupId", _EGRESS, world)
    for endpoint in endpoints:
        for group in _named_in(endpoint.properties, "SecurityGroupIds", endpoint, world):
            yield from _of(group, "GroupId", _INGRESS, world)


def _named_in(settings: Mapping[str, Json], name: str, owner: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the resources of the templates that a list names."""
    found = (named(value, owner.template, world) for value in require_list(settings.get(name), name))
    yield from (each for each in found if each is not None)


def _of_api(kind: str, resource: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the routes or stages of the API that a resource is of."""
    api = named(resource.properties.get("ApiId"), resource.template, world)
    yield from _of(api, "ApiId", kind, world) if api else ()


def _of(resource: Resource, name: str, kind: str, world: TemplateSet) -> Iterator[Resource]:
    """Yield the resources of a type whose property names another resource."""
    for each in of_type(world, kind, region=resource.template.region):
        target = named(each.properties.get(name), each.template, world)
        if target is not None and is_same(target, resource):
            yield each


def _find(value: Json, resource: Resource, world: TemplateSet, *kinds: str) -> Resource | None:
    return None if is_absent(value) else find(value, resource.template, world, *kinds)


RULE: Final = Rule(
    title="What needs a permission, a route or an endpoint is created after it",
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html
    why=(
        "CloudFormation creates in any order what does not name each other. A function or a custom resource may run before "
        "its role allows anything, and AWS refuse a notification, a trail, a stage or a rotation: in some deployments only, "
        "such as that of the region to fail over to."
    ),
    fix="Name the policy, permission, route, stage, endpoint or egress rule in the resource's DependsOn.",
    judge=rule_from(_violations, FUNCTION, BUCKET, _TRAIL, _ROTATION, HTTP_STAGE, _MAPPING, *CUSTOM),
    controls=nist("CM-2", "CM-6", "CP-10"),
)
