"""Small templates for the tests of the rules."""

import copy
from typing import Any

from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Finding, Verdict
from compliance.engine.judge import judge
from compliance.packs import native
from compliance.rules import our_rules

TAGS = {
    "Project": "lockstep",
    "Environment": "prod",
    "Owner": "platform",
    "CostCenter": "1234",
    "DataClassification": "confidential",
    "ManagedBy": "aws-cdk",
}
TAG_LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]

GOOD: dict[str, dict[str, Any]] = {
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-ingest-prod", "Tags": TAG_LIST}},
    "Fifo": {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": "serverless-order-prod.fifo", "FifoQueue": True, "Tags": TAG_LIST},
    },
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketNamePrefix": "serverless-access-logs-prod",
            "BucketNamespace": "account-regional",
            "Tags": TAG_LIST,
        },
    },
    "Alias": {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/serverless-data-prod", "TargetKeyId": "0"},
    },
    "Parameter": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": "1", "Tags": TAGS},
    },
    "Api": {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {"Name": "serverless-ingest-prod", "ProtocolType": "HTTP", "Tags": TAGS},
    },
    "HealthCheck": {
        "Type": "AWS::Route53::HealthCheck",
        "Properties": {"HealthCheckConfig": {"Type": "CALCULATED"}, "HealthCheckTags": TAG_LIST},
    },
    "Table": {
        "Type": "AWS::DynamoDB::GlobalTable",
        "Properties": {
            "TableName": "serverless-ledger-prod",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "Replicas": [{"Region": "us-east-1", "Tags": TAG_LIST}, {"Region": "us-west-2", "Tags": TAG_LIST}],
        },
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {}, "Tags": TAG_LIST},
    },
}
"""Resources of a template that break none of our rules, with every form of names and tags."""


def good() -> dict[str, dict[str, Any]]:
    return copy.deepcopy(GOOD)


def template(resources: Any, region: str = "us-east-1", stack_name: str = "serverless-regional-prod") -> Template:  # noqa: ANN401
    """Return a template of the resources; the construct path of each is `<region>/<logical id>`."""
    body = {"Resources": resources}
    return Template(name=region, body=body, region=region, account="000000000000", stack_name=stack_name)


def ask(rule: str, *templates: Template, environment: str = "prod") -> list[Finding]:
    """Return the rows of one rule, by its short id, on every resource of the templates that it applies to."""
    world = TemplateSet(templates=templates, environment=environment, taggable=native.taggable_types(templates))
    findings = judge(world, [candidate for candidate in our_rules() if candidate.id == rule])
    assert findings.rules
    return findings.rows


def verdicts(rule: str, *templates: Template) -> dict[str, Verdict]:
    """Return the rule's verdicts by logical id, for the last template that has it."""
    return {row.logical_id: row.verdict for row in ask(rule, *templates)}


def verdict_on(rule: str, resource: dict[str, Any], region: str = "us-east-1") -> tuple[Verdict | None, str]:
    """Return the rule's verdict on one resource and its message; None where it does not apply."""
    rows = [row for row in ask(rule, template({"It": resource}, region)) if row.logical_id == "It"]
    return (rows[0].verdict, rows[0].message) if rows else (None, "")
