"""The replication terms of the ingest bucket, in CloudFormation's spelling and in the CDK's."""

import pytest
from aws_cdk import CfnResource, Stack

from infra.constructs.bucket import Bucket
from infra.constructs.replication import ReplicationRole, replicate_to_peer, replication_configuration
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import context, key_in, only, stack_in


def replicating(role: RegionRole = RegionRole.PRIMARY) -> Stack:
    of = context(role)
    stack = stack_in(of)
    key = key_in(stack)
    bucket = Bucket(stack, "Ingest", context=of, resource="ingest", key=key)
    replicate_to_peer(bucket, context=of, role=ReplicationRole(stack, "Replication", context=of, key=key))
    return stack


@pytest.mark.parametrize("role", RegionRole)
def test_no_term_is_lost_between_cloudformation_s_spelling_and_the_cdk_s(role: RegionRole) -> None:
    # The CDK leaves out a property whose name it does not know, and says nothing.
    stack = replicating(role)
    expected = replication_configuration(stack, source=context(role), role_arn="any")
    CfnResource(stack, "Expected", type="Custom::Expected", properties=expected)
    assert only(stack, "AWS::S3::Bucket")["ReplicationConfiguration"]["Rules"] == only(stack, "Custom::Expected")["Rules"]
