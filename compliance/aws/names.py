"""Which property names a resource, and what a name looks like. The gate's own facts: no name is made here."""

import re
from typing import Final

from compliance.cfn.templates import Json, Resource, TemplateSet

NAME_PROPERTIES: Final = {
    "AWS::ApiGateway::RestApi": ("Name",),
    "AWS::ApiGatewayV2::Api": ("Name",),
    "AWS::CloudTrail::Trail": ("TrailName",),
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName",),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::DynamoDB::GlobalTable": ("TableName",),
    "AWS::DynamoDB::Table": ("TableName",),
    "AWS::EC2::SecurityGroup": ("GroupName",),
    "AWS::Events::EventBus": ("Name",),
    "AWS::Events::Rule": ("Name",),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::Lambda::Function": ("FunctionName",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::S3::Bucket": ("BucketNamePrefix", "BucketName"),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::Scheduler::Schedule": ("Name",),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName",),
}
"""The types whose name is ours to set, with the property that holds it: the first that is set counts.

IAM roles and policies are left out on purpose: their names are global to the account, so the same template in two
regions would collide. They stay generated.
"""

ALIAS_PREFIX: Final = "alias/"
FIFO_SUFFIX: Final = ".fifo"

_RESOURCE: Final = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def pattern(world: TemplateSet) -> re.Pattern[str]:
    """Return what a name must match, whole."""
    return re.compile(rf"{re.escape(world.prefix)}-{_RESOURCE}-{re.escape(world.environment)}")


def expected(world: TemplateSet) -> str:
    """Return the form of a name."""
    return f"{world.prefix}-<resource>-{world.environment}"


def named_by(resource: Resource) -> tuple[str, Json] | None:
    """Return the property that names the resource and its value, None where the type has no name of ours.

    A property that is not set has the value None.
    """
    properties = NAME_PROPERTIES.get(resource.type)
    if properties is None:
        return None
    for name in properties:
        if resource.properties.get(name) is not None:
            return name, resource.properties[name]
    return properties[0], None


def bare(resource_type: str, name: str) -> str:
    """Return the name without what AWS makes part of it: `alias/` of a key alias, `.fifo` of a queue or topic."""
    if resource_type == "AWS::KMS::Alias":
        return name.removeprefix(ALIAS_PREFIX) if name.startswith(ALIAS_PREFIX) else f"(no {ALIAS_PREFIX}) {name}"
    if resource_type in {"AWS::SQS::Queue", "AWS::SNS::Topic"}:
        return name.removesuffix(FIFO_SUFFIX)
    return name
