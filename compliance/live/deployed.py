"""The deployed resources, each with its template's properties and as many resolved references as possible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from compliance.cfn.loading import parse
from compliance.cfn.references import partition, url_suffix
from compliance.cfn.templates import Json


class Unknown:
    """A value that only the cloud knows; a comparison with it finds no difference."""

    def __repr__(self) -> str:
        return "<only the cloud knows>"


UNKNOWN: Final = Unknown()


class Cloud(Protocol):
    """The account that the resources are in."""

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        ...

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return the boto3 client of a service and region."""
        ...


@dataclass(frozen=True)
class Deployed:
    """A deployed resource.

    Attributes:
        cloud: The account.
        region: Region of its stack.
        stack: The stack's name.
        logical_id: Its id in the template.
        type: CloudFormation's type.
        physical_id: The value of `Ref`.
        properties: The properties of the template, resolved.
        raw: The same with their intrinsic functions.
    """

    cloud: Cloud
    region: str
    stack: str
    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a client of the resource's region, or of another one."""
        return self.cloud.client(service, region or self.region)

    def __str__(self) -> str:
        return f"{self.stack} ({self.region}) {self.logical_id}"


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: Its name.
        region: Its region.
        status: Its status.
        body: The template that CloudFormation holds, or the given one.
        resources: Its resources, in the template's order.
        absent: Logical ids of the template that the stack does not have.
    """

    name: str
    region: str
    status: str
    body: Json
    resources: tuple[Deployed, ...]
    absent: tuple[str, ...]


def deployed(cloud: Cloud, stack: str, region: str, body: Json = None) -> Stack:
    """Return a stack with its resources.

    Args:
        cloud: The account.
        stack: Its name.
        region: Its region.
        body: Its template; by default the one that CloudFormation holds.

    Raises:
        ClientError: CloudFormation does not have it, or does not answer.
    """
    cloudformation = cloud.client("cloudformation", region)
    if body is None:
        body = cloudformation.get_template(StackName=stack)["TemplateBody"]
        body = parse(Path(stack), body) if isinstance(body, str) else json.loads(json.dumps(body))
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    }
    exports = {
        one["Name"]: one["Value"]
        for page in cloudformation.get_paginator("list_exports").paginate()
        for one in page["Exports"]
    }
    (held,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    parameters = {one["ParameterKey"]: one.get("ParameterValue", UNKNOWN) for one in held.get("Parameters", [])}
    resolver = _Resolver(cloud, region, body["Resources"], physical, exports, {**parameters, "AWS::StackName": stack})
    return Stack(
        name=stack,
        region=region,
        status=held["StackStatus"],
        body=body,
        resources=tuple(
            Deployed(
                cloud,
                region,
                stack,
                logical_id,
                resource["Type"],
                physical[logical_id],
                resolver.value(resource.get("Properties", {})),
                resource.get("Properties", {}),
            )
            for logical_id, resource in body["Resources"].items()
            if logical_id in physical
        ),
        absent=tuple(logical_id for logical_id in body["Resources"] if logical_id not in physical),
    )


class _Resolver:
    """Resolves intrinsic functions with CloudFormation's answers."""

    def __init__(  # noqa: PLR0913, PLR0917 - what CloudFormation answers
        self,
        cloud: Cloud,
        region: str,
        resources: Mapping[str, Any],
        physical: Mapping[str, str],
        exports: Mapping[str, str],
        names: Mapping[str, Any],
    ) -> None:
        self._cloud = cloud
        self._region = region
        self._resources = resources
        self._physical = physical
        self._exports = exports
        self._names = {
            "AWS::AccountId": cloud.account,
            "AWS::Region": region,
            "AWS::Partition": partition(region),
            "AWS::URLSuffix": url_suffix(region),
            **names,
        }

    def value(self, given: Json) -> Json:
        if isinstance(given, list):
            return [self.value(one) for one in given]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((name, argument),) = given.items()
            if name == "Ref":
                return self._names.get(argument) or self._physical.get(argument) or UNKNOWN
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {name: self.value(one) for name, one in given.items()}

    def _function(self, name: str, argument: Json) -> Json:
        match name, argument:
            case "Fn::GetAtt", [str(logical_id), str(attribute)]:
                return self._attribute(logical_id, attribute)
            case "Fn::ImportValue", str(export):
                return self._exports.get(export, UNKNOWN)
            case "Fn::GetStackOutput", dict():
                return self._output(argument)
            case "Fn::Join", [str(separator), list(parts)]:
                resolved = [self.value(part) for part in parts]
                return UNKNOWN if UNKNOWN in resolved else separator.join(map(str, resolved))
        return UNKNOWN

    def _output(self, argument: Mapping[str, str]) -> Json:
        cloudformation = self._cloud.client("cloudformation", argument.get("Region", self._region))
        (stack,) = cloudformation.describe_stacks(StackName=argument["StackName"])["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        return outputs.get(argument["OutputName"], UNKNOWN)

    def _attribute(self, logical_id: str, attribute: str) -> Json:
        physical = self._physical.get(logical_id, "")
        if attribute == "DefaultSecurityGroup" and physical:
            wanted = [{"Name": "vpc-id", "Values": [physical]}, {"Name": "group-name", "Values": ["default"]}]
            (group,) = self._cloud.client("ec2", self._region).describe_security_groups(Filters=wanted)["SecurityGroups"]
            return group["GroupId"]
        resource = self._resources.get(logical_id, {})
        pattern = _ATTRIBUTES.get((resource.get("Type"), attribute))
        path = self.value(resource.get("Properties", {}).get("Path", "/"))  # of a role
        if not pattern or not physical or path is UNKNOWN:
            return UNKNOWN
        names = {"partition": partition(self._region), "region": self._region, "account": self._cloud.account}
        return pattern.format(id=physical, name=physical.rsplit("/", 1)[-1], path=path, **names)


_ATTRIBUTES: Final = {
    ("AWS::CloudWatch::Alarm", "Arn"): "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}",
    ("AWS::DynamoDB::GlobalTable", "Arn"): "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
    ("AWS::EC2::SecurityGroup", "GroupId"): "{id}",
    ("AWS::Events::Rule", "Arn"): "arn:{partition}:events:{region}:{account}:rule/{id}",
    ("AWS::IAM::Role", "Arn"): "arn:{partition}:iam::{account}:role{path}{id}",
    ("AWS::KMS::Key", "Arn"): "arn:{partition}:kms:{region}:{account}:key/{id}",
    ("AWS::Lambda::Function", "Arn"): "arn:{partition}:lambda:{region}:{account}:function:{id}",
    ("AWS::Logs::LogGroup", "Arn"): "arn:{partition}:logs:{region}:{account}:log-group:{id}:*",
    ("AWS::Route53::HealthCheck", "HealthCheckId"): "{id}",
    ("AWS::Route53::HostedZone", "Id"): "{id}",
    ("AWS::S3::Bucket", "Arn"): "arn:{partition}:s3:::{id}",
    ("AWS::SNS::Topic", "TopicArn"): "{id}",
    ("AWS::SQS::Queue", "Arn"): "arn:{partition}:sqs:{region}:{account}:{name}",
}
"""Attributes that follow from the physical id (`id`, and its last part `name`), by type and attribute."""
