"""Insertions: settings and resources that open or break something, and that the templates do not have.

A rule that forbids a setting which the templates never had can find no other kind of damage.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.engine.candidates import Pointer, at_or_none

Insertion = tuple[str, Pointer, Json, Json]
"""Operator, pointer, before, after."""

INSERT: Final = "insert"

_STRANGER: Final = "999999999999"
_HOST: Final = "https://collector.example.net/"
_ELSEWHERE: Final = "eu-west-1"
_OPEN_CORS: Final = {"AllowOrigins": ["*"], "AllowMethods": ["PUT"]}
_OPEN_CORS_OF_BUCKET: Final = {"CorsRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]}]}
_SOON: Final = {"Id": "soon", "Status": "Enabled", "ExpirationInDays": 1}
_EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_IN_FROM_ANYWHERE: Final = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
_MANY_WAYS_IN: Final = [{**_IN_FROM_ANYWHERE, "CidrIp": f"10.0.0.{number}/32"} for number in range(51)]
_OUT_TO_ANYWHERE: Final = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}

_POLICIES: Final = {
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
}

_SET: Final[Mapping[str, tuple[tuple[tuple[str, ...], Json], ...]]] = {
    "AWS::ApiGatewayV2::Api": ((("CorsConfiguration",), _OPEN_CORS), (("DisableExecuteApiEndpoint",), True)),
    "AWS::CloudWatch::Alarm": (
        (("AlarmActions",), [{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:nobody-listens"}]),
        (("ActionsEnabled",), False),
    ),
    "AWS::EC2::SecurityGroup": (
        (("SecurityGroupIngress",), [_IN_FROM_ANYWHERE]),
        (("SecurityGroupIngress",), _MANY_WAYS_IN),
        (("SecurityGroupEgress",), [_OUT_TO_ANYWHERE]),
    ),
    "AWS::EC2::Subnet": ((("MapPublicIpOnLaunch",), True), (("AvailabilityZone",), {"Fn::Select": [0, {"Fn::GetAZs": ""}]})),
    "AWS::Lambda::Function": (
        (("Environment", "Variables", "DB_PASSWORD"), "correct horse battery staple"),
        (("Code", "S3Bucket"), "somebody-elses-bucket"),
    ),
    "AWS::Route53::HealthCheck": (
        (("HealthCheckConfig", "Disabled"), True),
        (("HealthCheckConfig", "Inverted"), True),
    ),
    "AWS::S3::Bucket": ((("CorsConfiguration",), _OPEN_CORS_OF_BUCKET), (("LifecycleConfiguration", "Rules"), [_SOON])),
    "AWS::SQS::Queue": ((("MessageRetentionPeriod",), 60),),
}
"""The insertions by type: a place below Properties and the value."""


def insertions_into(resource: Resource, world: TemplateSet) -> Iterator[Insertion]:
    """Yield the insertions into one resource."""
    given = resource.properties
    for place, after in _SET.get(resource.type, ()):
        before = at_or_none(given, place)
        if before != after and (len(place) == 1 or at_or_none(given, place[:-1]) is not None):
            yield INSERT, ("Properties", *place), before, after
    if resource.type in _POLICIES:
        yield from _statements(resource)
    for made in _BY_TYPE.get(resource.type, ()):
        yield from made(resource, world)


def resources_into(template: Template, *, stands_in_several: bool) -> Iterator[Insertion]:
    """Yield resources that can be added to a template."""
    network = {kind: name for name, kind in _types(template).items() if kind.startswith("AWS::EC2::")}
    yield _beside("NestedStack", "AWS::CloudFormation::Stack", TemplateURL="https://bucket.s3.amazonaws.com/child.json")
    if stands_in_several:  # a resource that exists in one region only may read from another
        yield _beside("ExportReader", "Custom::CrossRegionExportReader", ServiceToken="arn:aws:lambda:::function:reader")
    for grant in template.resources:
        if grant.properties.get("Principal") == "apigateway.amazonaws.com":
            door = {"AuthType": "AWS_IAM", "TargetFunctionArn": grant.properties["FunctionName"]}
            yield _beside("SecondDoor", "AWS::Lambda::Url", **door)
            break
    if "AWS::EC2::VPC" in network:
        vpc = {"Ref": network["AWS::EC2::VPC"]}
        yield _beside("Peering", "AWS::EC2::VPCPeeringConnection", VpcId=vpc, PeerVpcId="vpc-0123456789abcdef0")
        yield _beside("Gateway", "AWS::EC2::InternetGateway")
    if "AWS::EC2::RouteTable" in network:
        table = {"Ref": network["AWS::EC2::RouteTable"]}
        way = {"DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": "tgw-0123456789abcdef0"}
        yield _beside("WayOut", "AWS::EC2::Route", RouteTableId=table, **way)


def _beside(name: str, kind: str, **properties: Json) -> Insertion:
    return INSERT, ("Resources", f"Inserted{name}"), None, {"Type": kind, "Properties": properties}


def _types(template: Template) -> dict[str, str]:
    return {resource.logical_id: resource.type for resource in template.resources}


def _statements(resource: Resource) -> Iterator[Insertion]:
    """Yield additional policy statements: every action for everyone, and for a foreign account."""
    place = (_POLICIES[resource.type], "Statement")
    before = at_or_none(resource.properties, place)
    if not isinstance(before, list):
        return
    if resource.type == "AWS::IAM::ManagedPolicy":
        yield INSERT, ("Properties", *place), before, [*before, _EVERYTHING]
        return
    for principal in ("*", {"AWS": f"arn:aws:iam::{_STRANGER}:root"}):
        yield INSERT, ("Properties", *place), before, [*before, {**_EVERYTHING, "Principal": principal}]


def _integration(resource: Resource, _world: TemplateSet) -> Iterator[Insertion]:
    to_a_host = {"IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "IntegrationUri": _HOST}
    given = resource.properties
    yield INSERT, ("Properties",), given, {"ApiId": given.get("ApiId"), "PayloadFormatVersion": "1.0", **to_a_host}


def _table(resource: Resource, _world: TemplateSet) -> Iterator[Insertion]:
    replicas = resource.properties.get("Replicas")
    if isinstance(replicas, list) and replicas:
        yield INSERT, ("Properties", "Replicas"), replicas, [*replicas, {**replicas[0], "Region": _ELSEWHERE}]
        recovery = at_or_none(replicas[0], ("PointInTimeRecoverySpecification",))
        short = [
            {**each, "PointInTimeRecoverySpecification": {**(recovery or {}), "RecoveryPeriodInDays": 1}}
            for each in replicas
        ]
        yield INSERT, ("Properties", "Replicas"), replicas, short
    key = at_or_none(resource.properties, ("KeySchema", 0, "AttributeName"))
    place = ("TimeToLiveSpecification", "AttributeName")
    if key is not None and at_or_none(resource.properties, place) is not None:
        yield INSERT, ("Properties", *place), at_or_none(resource.properties, place), key


def _bucket(resource: Resource, _world: TemplateSet) -> Iterator[Insertion]:
    destination = ("ReplicationConfiguration", "Rules", 0, "Destination")
    if at_or_none(resource.properties, destination) is not None:
        yield INSERT, ("Properties", *destination, "Account"), None, _STRANGER
    notification = ("NotificationConfiguration", "QueueConfigurations", 0)
    if at_or_none(resource.properties, notification) is not None:
        for name, value in (("suffix", ".csv"), ("prefix", "elsewhere/")):
            narrow = {"S3Key": {"Rules": [{"Name": name, "Value": value}]}}
            yield (
                INSERT,
                ("Properties", *notification, "Filter"),
                at_or_none(resource.properties, (*notification, "Filter")),
                narrow,
            )


def _secret(resource: Resource, _world: TemplateSet) -> Iterator[Insertion]:
    given = {key: value for key, value in resource.properties.items() if key != "GenerateSecretString"}
    yield INSERT, ("Properties",), resource.properties, {**given, "SecretString": "correct horse battery staple"}


def _health_check(resource: Resource, world: TemplateSet) -> Iterator[Insertion]:
    """A path that tells only that a process lives; and what Route 53 cannot read, the first composite alarm of the world."""
    path = ("HealthCheckConfig", "ResourcePath")
    if at_or_none(resource.properties, path) is not None:
        yield INSERT, ("Properties", *path), at_or_none(resource.properties, path), "/healthz"
    for alarm in world.by_type.get("AWS::CloudWatch::CompositeAlarm", ())[:1]:
        named = {"Name": alarm.properties.get("AlarmName"), "Region": alarm.template.region}
        after = {"Type": "CLOUDWATCH_METRIC", "AlarmIdentifier": named, "InsufficientDataHealthStatus": "Healthy"}
        yield INSERT, ("Properties", "HealthCheckConfig"), resource.properties.get("HealthCheckConfig"), after


_BY_TYPE: Final = {
    "AWS::ApiGatewayV2::Integration": (_integration,),
    "AWS::DynamoDB::GlobalTable": (_table,),
    "AWS::Route53::HealthCheck": (_health_check,),
    "AWS::S3::Bucket": (_bucket,),
    "AWS::SecretsManager::Secret": (_secret,),
}
