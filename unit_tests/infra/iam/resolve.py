"""Resolve CloudFormation's intrinsics to the values of a deployment: names, ARNs and host names as plain text.

Values that AWS chooses have a form of our own: a key has its alias (`key/serverless-data-prod`), a VPC or a role without
a name has its stack and logical id.
"""

import re
from collections.abc import Mapping
from typing import Any

from unit_tests.infra.synthesis import Resource, Stack, Synthesis, Template


class UnresolvableError(Exception):
    """Raised for an intrinsic, a resource or an attribute that the resolver does not support."""


class Resolver:
    """Resolves the values of one stack's template; the other stacks provide imports and outputs."""

    def __init__(self, name: str, stacks: Mapping[str, Stack], templates: Mapping[str, Template]) -> None:
        self._name, self._stacks, self._templates = name, stacks, templates
        self._stack, self._template = stacks[name], templates[name]
        self._pseudo = {
            "AWS::AccountId": self._stack.account,
            "AWS::Region": self._stack.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self._stack.name,
        }

    @classmethod
    def of(cls, synthesis: Synthesis, name: str) -> "Resolver":
        return cls(name, synthesis.stacks, synthesis.templates)

    def text(self, value: object) -> str:
        """Resolve a value whose result must be text."""
        resolved = self.value(value)
        if not isinstance(resolved, str):
            raise UnresolvableError(f"{self._name}: {value} is not text but {resolved}")
        return resolved

    def value(self, value: object) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Resolve a value and its nested values."""
        match value:
            case {"Ref": str(name)}:
                return self._pseudo[name] if name in self._pseudo else self.reference(name)
            case {"Fn::GetAtt": [str(logical_id), str(attribute)]}:
                return self.attribute(logical_id, attribute)
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(self.text(part) for part in parts)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^!}]+)\}", lambda found: self._substituted(found[1]), text)
            case {"Fn::ImportValue": name}:
                return self._imported(self.text(name))
            case {"Fn::GetStackOutput": {"StackName": name, "Region": region, "OutputName": output}}:
                return self._output(self.text(name), self.text(region), self.text(output))
            case dict():
                if unknown := [key for key in value if key.startswith("Fn::") or key == "Ref"]:
                    raise UnresolvableError(f"{self._name}: the resolver does not know {unknown[0]} in {value}")
                return {key: self.value(below) for key, below in value.items()}
            case list():
                return [self.value(below) for below in value]
        return value

    def reference(self, logical_id: str) -> str:
        kind, properties = self._resource(logical_id)
        match kind:
            case "AWS::SQS::Queue":
                host = f"sqs.{self._stack.region}.amazonaws.com"
                return f"https://{host}/{self._stack.account}/{properties['QueueName']}"
            case "AWS::SNS::Topic":
                return self._arn("sns", properties["TopicName"])
            case "AWS::SecretsManager::Secret":
                # The six characters that Secrets Manager adds to a secret's name.
                return self._arn("secretsmanager", f"secret:{properties['Name']}-AbCdEf")
        return self._physical_name(logical_id)

    def attribute(self, logical_id: str, attribute: str) -> str:
        kind, _ = self._resource(logical_id)
        if attribute != "Arn":
            return f"{attribute} of {self._name}.{logical_id}"
        name = self._physical_name(logical_id)
        match kind:
            case "AWS::S3::Bucket":
                return f"arn:aws:s3:::{name}"
            case "AWS::SQS::Queue":
                return self._arn("sqs", name)
            case "AWS::Logs::LogGroup":
                return self._arn("logs", f"log-group:{name}:*")
            case "AWS::Lambda::Function":
                return self._arn("lambda", f"function:{name}")
            case "AWS::KMS::Key":
                return self._arn("kms", f"key/{name}")
            case "AWS::Events::Rule":
                return self._arn("events", f"rule/{name}")
            case "AWS::IAM::Role":
                return f"arn:aws:iam::{self._stack.account}:role/{name}"
        raise UnresolvableError(f"{self._name}: the resolver does not know the ARN of a {kind}")

    def _physical_name(self, logical_id: str) -> str:
        kind, properties = self._resource(logical_id)
        match kind:
            case "AWS::S3::Bucket":
                return f"{properties['BucketNamePrefix']}-{self._stack.account}-{self._stack.region}-an"
            case "AWS::SQS::Queue":
                return str(properties["QueueName"])
            case "AWS::Logs::LogGroup":
                return str(properties["LogGroupName"])
            case "AWS::Lambda::Function":
                return str(properties["FunctionName"])
            case "AWS::Events::Rule":
                return str(properties["Name"])
            case "AWS::DynamoDB::GlobalTable":
                return str(properties["TableName"])
            case "AWS::KMS::Key":
                return self._alias_of(logical_id)
            case "AWS::IAM::Role" if "RoleName" in properties:
                return str(properties["RoleName"])
        return f"{self._name}.{logical_id}"

    def _alias_of(self, key: str) -> str:
        for resource in self._template["Resources"].values():
            if resource["Type"] == "AWS::KMS::Alias" and resource["Properties"]["TargetKeyId"] == {
                "Fn::GetAtt": [key, "Arn"]
            }:
                return str(resource["Properties"]["AliasName"]).removeprefix("alias/")
        return f"{self._name}.{key}"

    def _resource(self, logical_id: str) -> tuple[str, Resource]:
        resource = self._template["Resources"].get(logical_id)
        if resource is None:
            raise UnresolvableError(f"{self._name} refers to {logical_id}, which it does not hold")
        return resource["Type"], resource.get("Properties", {})

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._stack.region}:{self._stack.account}:{resource}"

    def _substituted(self, name: str) -> str:
        logical_id, _, attribute = name.partition(".")
        return self.attribute(logical_id, attribute) if attribute else self.text({"Ref": name})

    def _imported(self, name: str) -> str:
        for other, stack in self._stacks.items():
            if stack.region != self._stack.region:
                continue
            for output in self._templates[other]["Outputs"].values():
                if output.get("Export", {}).get("Name") == name:
                    return self._beside(other).text(output["Value"])
        raise UnresolvableError(f"{self._name} imports {name}, which nobody exports in {self._stack.region}")

    def _output(self, stack_name: str, region: str, output: str) -> str:
        for other, stack in self._stacks.items():
            if (stack.name, stack.region) == (stack_name, region) and output in self._templates[other]["Outputs"]:
                return self._beside(other).text(self._templates[other]["Outputs"][output]["Value"])
        raise UnresolvableError(f"{self._name} reads {output} of {stack_name} in {region}, which that stack does not export")

    def _beside(self, other: str) -> "Resolver":
        return Resolver(other, self._stacks, self._templates)
