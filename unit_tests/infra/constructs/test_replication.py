"""Replication from this region's ingest bucket: the rule's every term, and what S3 may do to keep it."""

from typing import Any

import pytest
from aws_cdk import CfnResource, Stack

from infra.constructs.bucket import Bucket
from infra.constructs.replication import ReplicationRole, replicate_to_peer, replication_configuration
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in

REGIONS = {RegionRole.PRIMARY: ("us-east-1", "us-west-2"), RegionRole.SECONDARY: ("us-west-2", "us-east-1")}
MINUTES = {"Minutes": 15}
ENABLED = {"Status": "Enabled"}


def replicating(role: RegionRole = RegionRole.PRIMARY) -> Stack:
    of = context(role)
    stack = stack_in(of)
    key = key_in(stack)
    bucket = Bucket(stack, "Ingest", context=of, resource="ingest", key=key)
    replicate_to_peer(bucket, context=of, role=ReplicationRole(stack, "Replication", context=of, key=key))
    return stack


def rule(role: RegionRole = RegionRole.PRIMARY) -> dict[str, Any]:
    (found,) = only(replicating(role), "AWS::S3::Bucket")["ReplicationConfiguration"]["Rules"]
    return dict(found)


def test_whole_bucket_is_replicated_with_deletes_and_replica_changes() -> None:
    found = rule()
    assert found["Status"] == "Enabled"
    assert found["Filter"] == {"Prefix": ""}
    assert found["DeleteMarkerReplication"] == ENABLED
    assert found["SourceSelectionCriteria"] == {"ReplicaModifications": ENABLED, "SseKmsEncryptedObjects": ENABLED}


@pytest.mark.parametrize("role", RegionRole)
def test_no_term_is_lost_between_cloudformation_s_spelling_and_the_cdk_s(role: RegionRole) -> None:
    # The CDK leaves out a property whose name it does not know, and says nothing.
    stack = replicating(role)
    expected = replication_configuration(stack, source=context(role), role_arn="any")
    CfnResource(stack, "Expected", type="Custom::Expected", properties=expected)
    assert only(stack, "AWS::S3::Bucket")["ReplicationConfiguration"]["Rules"] == only(stack, "Custom::Expected")["Rules"]


def test_it_is_timed_and_measured() -> None:
    destination = rule()["Destination"]
    assert destination["ReplicationTime"] == {**ENABLED, "Time": MINUTES}
    assert destination["Metrics"] == {**ENABLED, "EventThreshold": MINUTES}


@pytest.mark.parametrize("role", RegionRole)
def test_it_goes_to_the_other_region_and_is_encrypted_by_that_region_s_key(role: RegionRole) -> None:
    _, there = REGIONS[role]
    destination = rule(role)["Destination"]
    assert destination["Bucket"] == f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-{there}-an"
    assert destination["EncryptionConfiguration"] == {
        "ReplicaKmsKeyID": f"arn:aws:kms:{there}:{ACCOUNT}:alias/serverless-data-prod"
    }


def test_s3_alone_takes_on_the_role() -> None:
    stack = replicating()
    (role_id,) = of_type(stack, "AWS::IAM::Role")
    (trust,) = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "s3.amazonaws.com"}
    assert only(stack, "AWS::S3::Bucket")["ReplicationConfiguration"]["Role"] == {"Fn::GetAtt": [role_id, "Arn"]}
    assert only(stack, "AWS::IAM::ManagedPolicy")["Roles"] == [{"Ref": role_id}]


@pytest.mark.parametrize("role", RegionRole)
def test_the_role_reads_here_writes_there_and_uses_each_region_s_key(role: RegionRole) -> None:
    here, there = (f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-{region}-an" for region in REGIONS[role])
    stack = replicating(role)
    (key,) = of_type(stack, "AWS::KMS::Key")
    statements = only(stack, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    allowed = [({each["Action"]} if isinstance(each["Action"], str) else set(each["Action"]), each) for each in statements]
    assert [(actions, each["Resource"]) for actions, each in allowed] == [
        ({"s3:GetReplicationConfiguration", "s3:ListBucket"}, here),
        ({"s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"}, f"{here}/*"),
        ({"s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"}, f"{there}/*"),
        ({"kms:Decrypt"}, {"Fn::GetAtt": [key, "Arn"]}),
        ({"kms:Encrypt", "kms:GenerateDataKey"}, f"arn:aws:kms:{REGIONS[role][1]}:{ACCOUNT}:key/*"),
    ]
    assert statements[-1]["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}
    assert all(each["Effect"] == "Allow" for each in statements)
