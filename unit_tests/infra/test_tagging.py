"""Test that every resource that can have tags has the same six, in each form of tags."""

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Template as Assertions
from hypothesis import given

from infra.settings import Settings
from infra.tagging import apply_tags, tags_of
from unit_tests.infra.strategies import valid_settings

KEYS = {"Project", "Environment", "Owner", "CostCenter", "DataClassification", "ManagedBy"}
EXPECTED = {
    "Project": "lockstep",
    "Environment": "qa",
    "Owner": "data",
    "CostCenter": "cc-1",
    "DataClassification": "restricted",
    "ManagedBy": "aws-cdk",
}
SETTINGS = Settings.model_validate(
    {"environment": "qa", "tags": {"owner": "data", "cost_center": "cc-1", "data_classification": "restricted"}}
)
UNTAGGABLE = {
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CloudWatch::InsightRule",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::IAM::ManagedPolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::RotationSchedule",
}
"""Types for which CloudFormation has no tags; every other type in the templates must carry them."""


def tags_in(properties: dict[str, object]) -> list[dict[str, object]]:
    """Return every set of tags of a resource, as a map: one, or one for each replica."""
    replicas = properties.get("Replicas")
    if isinstance(replicas, list):
        return [tags for replica in replicas for tags in tags_in(replica) or [{}]]
    found = next((properties[name] for name in ("Tags", "HealthCheckTags", "HostedZoneTags") if name in properties), None)
    if isinstance(found, list):
        return [{tag["Key"]: tag["Value"] for tag in found}]
    return [found] if isinstance(found, dict) else []


@pytest.fixture(scope="module")
def one_of_each_shape() -> dict[str, list[dict[str, object]]]:
    """Return the tags by type, in every shape of CloudFormation."""
    app = App(builtin_cloud_formation_validation=False)
    stack = Stack(app, "Shapes", env=Environment(account="000000000000", region="us-west-2"))
    sqs.Queue(stack, "AsAList")
    ssm.StringParameter(stack, "AsAMap", string_value="x")
    apigateway.HttpApi(stack, "AsAMapToo")
    route53.CfnHealthCheck(
        stack,
        "UnderAnotherName",
        health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(type="TCP", port=443, ip_address="192.0.2.1"),
    )
    dynamodb.TableV2(
        stack,
        "PerReplica",
        partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
        replicas=[dynamodb.ReplicaTableProps(region="us-east-1")],
    )
    apply_tags(app, SETTINGS)
    resources = Assertions.from_stack(stack).to_json()["Resources"].values()
    return {resource["Type"]: tags_in(resource["Properties"]) for resource in resources}


@pytest.mark.parametrize(
    ("kind", "sets"),
    [
        ("AWS::SQS::Queue", 1),
        ("AWS::SSM::Parameter", 1),
        ("AWS::ApiGatewayV2::Api", 1),
        ("AWS::Route53::HealthCheck", 1),
        ("AWS::DynamoDB::GlobalTable", 2),
    ],
)
def test_tags_of_every_shape_have_the_six(
    one_of_each_shape: dict[str, list[dict[str, object]]], kind: str, sets: int
) -> None:
    assert one_of_each_shape[kind] == [EXPECTED] * sets


@pytest.mark.property
@given(valid_settings())
def test_tags_are_the_six_with_values_valid_for_every_service(settings: Settings) -> None:
    tags = tags_of(settings)
    assert set(tags) == KEYS
    assert tags["Environment"] == settings.environment
    for value in tags.values():
        assert 0 < len(value) <= 128
        assert value == value.strip()
        assert all(character.isalnum() or character in " _.:/=+-@" for character in value)
