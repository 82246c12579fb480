"""Test the replication rules: the forward rule's terms, and the reverse rule in its function's format."""

from typing import Any

import pytest
from aws_cdk import CfnResource, Stack
from aws_cdk.assertions import Template

from handlers.bucket_replication import handler
from handlers.shared.custom_resource import Request, RequestType
from infra.constructs.bucket import Bucket
from infra.constructs.function import Function
from infra.constructs.replication import ReplicationRole, replicate_to_peer, replication_configuration
from infra.constructs.reverse_replication import RESOURCE_TYPE, TIMEOUT, ReverseReplication
from infra.region import RegionContext, RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in, surroundings_in

ROLE = "arn:aws:iam::1:role/any"
HOSTS = {"us-east-1": "a.execute-api.us-east-1.amazonaws.com", "us-west-2": "b.execute-api.us-west-2.amazonaws.com"}


def reverse_in(of: RegionContext) -> Stack:
    stack = stack_in(of)
    function = Function(
        stack,
        "Function",
        surroundings=surroundings_in(stack, of, key_in(stack)),
        resource="bucket-replication",
        description="Tried",
        in_network=False,
        reserved_concurrency=None,
    )
    ReverseReplication(stack, "Reverse", context=of, function=function, role_arn=ROLE, api_hosts=HOSTS)
    return stack


def reverse(control: RegionRole = RegionRole.SECONDARY) -> dict[str, Any]:
    return only(reverse_in(context(control, control=control)), RESOURCE_TYPE)


@pytest.mark.parametrize("role", RegionRole)
def test_replication_terms_survive_the_cdks_renaming(role: RegionRole) -> None:
    # The CDK leaves out a property whose name it does not know, and says nothing.
    of = context(role)
    stack = stack_in(of)
    key = key_in(stack)
    bucket = Bucket(stack, "Ingest", context=of, resource="ingest", key=key)
    replicate_to_peer(bucket, context=of, role=ReplicationRole(stack, "Replication", context=of, key=key))
    expected = replication_configuration(stack, source=of, role_arn="any")
    CfnResource(stack, "Expected", type="Custom::Expected", properties=expected)
    assert only(stack, "AWS::S3::Bucket")["ReplicationConfiguration"]["Rules"] == only(stack, "Custom::Expected")["Rules"]


@pytest.mark.parametrize("control", RegionRole)
def test_rule_replicates_from_the_secondary_to_the_primary(control: RegionRole) -> None:
    given = reverse(control)
    assert given["Bucket"] == f"serverless-ingest-prod-{ACCOUNT}-us-west-2-an"
    assert given["BucketRegion"] == "us-west-2"
    (rule,) = given["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-east-1-an"
    assert rule["Destination"]["EncryptionConfiguration"] == {
        "ReplicaKmsKeyID": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/serverless-data-prod"
    }


def test_reverse_replication_equals_the_secondary_buckets_own_terms() -> None:
    of = context(RegionRole.SECONDARY)
    stack = stack_in(of)
    CfnResource(
        stack, "Expected", type="Custom::Expected", properties=replication_configuration(stack, source=of, role_arn=ROLE)
    )
    assert reverse()["ReplicationConfiguration"] == only(stack, "Custom::Expected")


def test_custom_resource_gets_every_documented_property() -> None:
    given = reverse().keys() - handler.CLOUDFORMATION_S_OWN
    documented = {line.split("`")[1] for line in (handler.__doc__ or "").splitlines() if line.startswith("| `")}
    assert documented == given == set(handler.PROPERTIES)


def test_custom_resource_accepts_its_properties() -> None:
    given = reverse()
    taken = handler.desired(Request(RequestType.CREATE, "Rule", None, given, {}, "id"))
    (rule,), (written,) = taken["Rules"], given["ReplicationConfiguration"]["Rules"]
    assert {"Id" if name == "ID" else name: value for name, value in rule.items()} == written


def test_silent_function_fails_the_deployment_in_16_minutes() -> None:
    Template.from_stack(reverse_in(context())).has_resource_properties(RESOURCE_TYPE, {"ServiceTimeout": "960"})
    # Longer than the function may take, so that its own answer comes first.
    assert TIMEOUT.to_seconds() < 960


def test_rule_waits_for_the_permissions_of_the_job_it_starts() -> None:
    stack = reverse_in(context())
    (rule,) = Template.from_stack(stack).find_resources(RESOURCE_TYPE).values()
    policies = [name for name in of_type(stack, "AWS::IAM::ManagedPolicy") if name.startswith("ReverseBatch")]
    assert len(policies) == 1
    assert policies[0] in rule["DependsOn"]
