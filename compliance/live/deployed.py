"""The deployed resources, each with its template's properties and as many resolved references as possible."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from compliance.cfn.loading import parse
from compliance.cfn.templates import Json


class Unknown:
    """A value that only the cloud knows; it is equal to any value."""

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
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
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
        if (self._resources.get(logical_id, {}).get("Type"), attribute) == ("AWS::IAM::Role", "Arn"):
            path = self.value(self._resources[logical_id].get("Properties", {}).get("Path", "/"))
            return UNKNOWN if path is UNKNOWN else f"arn:aws:iam::{self._cloud.account}:role{path}{physical}"
        known = _ATTRIBUTES.get((self._resources.get(logical_id, {}).get("Type"), attribute))
        return known(physical, self._region, self._cloud.account) if known and physical else UNKNOWN


_ATTRIBUTES: Final[Mapping[tuple[str, str], Callable[[str, str, str], str]]] = {
    ("AWS::DynamoDB::GlobalTable", "Arn"): lambda name, region, account: f"arn:aws:dynamodb:{region}:{account}:table/{name}",
    ("AWS::Events::Rule", "Arn"): lambda name, region, account: f"arn:aws:events:{region}:{account}:rule/{name}",
    ("AWS::S3::Bucket", "Arn"): lambda name, _region, _account: f"arn:aws:s3:::{name}",
    ("AWS::SQS::Queue", "Arn"): lambda url, region, account: f"arn:aws:sqs:{region}:{account}:{url.rsplit('/', 1)[-1]}",
    ("AWS::KMS::Key", "Arn"): lambda key, region, account: f"arn:aws:kms:{region}:{account}:key/{key}",
    ("AWS::Lambda::Function", "Arn"): lambda name, region, account: f"arn:aws:lambda:{region}:{account}:function:{name}",
    ("AWS::Logs::LogGroup", "Arn"): lambda name, region, account: f"arn:aws:logs:{region}:{account}:log-group:{name}:*",
    ("AWS::CloudWatch::Alarm", "Arn"): lambda name, region, account: f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    ("AWS::SNS::Topic", "TopicArn"): lambda arn, _region, _account: arn,
    ("AWS::EC2::SecurityGroup", "GroupId"): lambda group, _region, _account: group,
    ("AWS::Route53::HealthCheck", "HealthCheckId"): lambda check, _region, _account: check,
    ("AWS::Route53::HostedZone", "Id"): lambda zone, _region, _account: zone,
}
