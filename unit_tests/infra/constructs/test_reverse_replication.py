"""The reverse rule: from where to where, and as its function expects to be told."""

import pytest
from aws_cdk.assertions import Template

from handlers.bucket_replication import handler
from infra.constructs.reverse_replication import RESOURCE_TYPE, ReverseReplication
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, function_in, only, stack_in


@pytest.mark.parametrize("control", RegionRole)
def test_the_rule_leads_from_the_secondary_to_the_primary_wherever_it_is_set_from(control: RegionRole) -> None:
    of = context(control, control=control)
    stack = stack_in(of)
    ReverseReplication(
        stack, "Reverse", settings=of.settings, function=function_in(stack), role_arn="arn:aws:iam::1:role/any"
    )
    rule = only(stack, RESOURCE_TYPE)
    assert rule["Bucket"] == f"serverless-ingest-prod-{ACCOUNT}-us-west-2-an"
    assert rule["BucketRegion"] == "us-west-2"
    assert rule["DestinationBucketArn"] == f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-east-1-an"
    assert rule["ReplicaKmsKeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/serverless-data-prod"
    assert rule["Role"] == "arn:aws:iam::1:role/any"


def test_the_function_is_given_every_property_that_it_documents() -> None:
    of = context()
    stack = stack_in(of)
    ReverseReplication(stack, "Reverse", settings=of.settings, function=function_in(stack), role_arn="any")
    given = set(only(stack, RESOURCE_TYPE)) - {"ServiceToken", "ServiceTimeout"}
    documented = {line.split("`")[1] for line in (handler.__doc__ or "").splitlines() if line.startswith("| `")}
    assert documented
    assert given == documented


def test_a_function_that_never_answers_does_not_hold_the_deployment_for_an_hour() -> None:
    of = context()
    stack = stack_in(of)
    ReverseReplication(stack, "Reverse", settings=of.settings, function=function_in(stack), role_arn="any")
    Template.from_stack(stack).has_resource_properties(RESOURCE_TYPE, {"ServiceTimeout": "300"})
