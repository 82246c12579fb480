"""The deployed resources, each with its template's properties and as many resolved references as possible."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from operations.target import Target

STACKS: Final = ("keys", "data", "regional", "failover")


class Unknown:
    """A value that only the cloud knows; it is equal to any value."""

    def __repr__(self) -> str:
        return "<only the cloud knows>"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Resource:
    """A deployed resource.

    Attributes:
        target: The cloud.
        region: Region of its stack.
        stack: The stack's name.
        logical_id: Its id in the template.
        type: CloudFormation's type.
        physical_id: The value of `Ref`.
        properties: The properties of the template, resolved.
    """

    target: Target
    region: str
    stack: str
    logical_id: str
    type: str
    physical_id: str
    properties: Mapping[str, Any]

    def client(self, service: str, region: str = "") -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a client of the resource's region, or of another one."""
        return self.target.client(service, region or self.region)

    def __str__(self) -> str:
        return f"{self.stack} ({self.region}) {self.logical_id}"


def deployed(target: Target) -> list[Resource]:
    """Return every resource of every stack, in both regions."""
    found: list[Resource] = []
    places = [(name, region) for name in ("keys", "regional") for region in target.regions]
    for name, region in [*places, ("data", target.control), ("failover", target.control)]:
        found += _of_stack(target, target.name_of(name), region)
    return found


def _of_stack(target: Target, stack: str, region: str) -> Iterator[Resource]:
    cloudformation = target.client("cloudformation", region)
    template = _template(target, stack, region)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {
        one["LogicalResourceId"]: one["PhysicalResourceId"] for page in pages for one in page["StackResourceSummaries"]
    }
    exports = {
        one["Name"]: one["Value"]
        for page in cloudformation.get_paginator("list_exports").paginate()
        for one in page["Exports"]
    }
    resolver = _Resolver(target, region, template["Resources"], physical, exports)
    for logical_id, resource in template["Resources"].items():
        if logical_id not in physical:
            raise AssertionError(f"{stack} in {region} has no resource {logical_id}, which its template has")
        properties = resolver.value(resource.get("Properties", {}))
        yield Resource(target, region, stack, logical_id, resource["Type"], physical[logical_id], properties)


def _template(target: Target, stack: str, region: str) -> dict[str, Any]:
    """Return the synthesized template; in a real account without one, the template that CloudFormation holds."""
    if not target.templates:
        body = target.client("cloudformation", region).get_template(StackName=stack)["TemplateBody"]
        held: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
        return held
    folder = Path(target.templates)
    artifacts = json.loads((folder / "manifest.json").read_text("utf-8"))["artifacts"]
    (file,) = [
        one["properties"]["templateFile"]
        for one in artifacts.values()
        if one["type"] == "aws:cloudformation:stack"
        and one["environment"].endswith(f"/{region}")
        and one["properties"]["stackName"] == stack
    ]
    synthesized: dict[str, Any] = json.loads((folder / file).read_text("utf-8"))
    return synthesized


class _Resolver:
    """Resolves intrinsic functions with CloudFormation's answers."""

    def __init__(
        self,
        target: Target,
        region: str,
        resources: Mapping[str, Any],
        physical: Mapping[str, str],
        exports: Mapping[str, str],
    ) -> None:
        self._target = target
        self._region = region
        self._resources = resources
        self._physical = physical
        self._exports = exports
        self._pseudo = {
            "AWS::AccountId": target.account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }

    def value(self, given: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(given, list):
            return [self.value(one) for one in given]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((name, argument),) = given.items()
            if name == "Ref":
                return self._pseudo.get(argument) or self._physical.get(argument, UNKNOWN)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {name: self.value(one) for name, one in given.items()}

    def _function(self, name: str, argument: Any) -> Any:  # noqa: ANN401 - JSON
        match name:
            case "Fn::GetAtt":
                return self._attribute(*argument)
            case "Fn::ImportValue":
                return self._exports.get(argument, UNKNOWN)
            case "Fn::GetStackOutput":
                return self._output(argument)
            case "Fn::Join":
                parts = [self.value(part) for part in argument[1]]
                return UNKNOWN if UNKNOWN in parts else str(argument[0]).join(map(str, parts))
            case _:
                return UNKNOWN

    def _output(self, argument: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        cloudformation = self._target.client("cloudformation", argument.get("Region", self._region))
        (stack,) = cloudformation.describe_stacks(StackName=argument["StackName"])["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        return outputs.get(argument["OutputName"], UNKNOWN)

    def _attribute(self, logical_id: str, attribute: str) -> Any:  # noqa: ANN401 - JSON
        physical = self._physical.get(logical_id, "")
        known = _ATTRIBUTES.get((self._resources[logical_id]["Type"], attribute))
        return known(physical, self._region, self._target.account) if known and physical else UNKNOWN


_ATTRIBUTES: Final[Mapping[tuple[str, str], Callable[[str, str, str], str]]] = {
    ("AWS::S3::Bucket", "Arn"): lambda name, _region, _account: f"arn:aws:s3:::{name}",
    ("AWS::SQS::Queue", "Arn"): lambda url, region, account: f"arn:aws:sqs:{region}:{account}:{url.rsplit('/', 1)[-1]}",
    ("AWS::KMS::Key", "Arn"): lambda key, region, account: f"arn:aws:kms:{region}:{account}:key/{key}",
    ("AWS::Lambda::Function", "Arn"): lambda name, region, account: f"arn:aws:lambda:{region}:{account}:function:{name}",
    ("AWS::IAM::Role", "Arn"): lambda name, _region, account: f"arn:aws:iam::{account}:role/{name}",
    ("AWS::Logs::LogGroup", "Arn"): lambda name, region, account: f"arn:aws:logs:{region}:{account}:log-group:{name}:*",
    ("AWS::CloudWatch::Alarm", "Arn"): lambda name, region, account: f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    ("AWS::SNS::Topic", "TopicArn"): lambda arn, _region, _account: arn,
    ("AWS::EC2::SecurityGroup", "GroupId"): lambda group, _region, _account: group,
    ("AWS::Route53::HealthCheck", "HealthCheckId"): lambda check, _region, _account: check,
    ("AWS::Route53::HostedZone", "Id"): lambda zone, _region, _account: zone,
}
