"""A bucket: what every one of them is, and what its parameters add."""

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.constructs.bucket import Bucket, expire, expire_noncurrent
from infra.naming import NamingError
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in


def bucket_stack(*, encrypted: bool = True, locked: bool = False, **settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    key = key_in(stack) if encrypted else None
    Bucket(stack, "Tried", context=of, resource="archive", key=key, locked=locked)
    return stack


def bucket(**parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - bucket_stack's
    return only(bucket_stack(**parameters), "AWS::S3::Bucket")


def statements(stack: Stack) -> list[dict[str, Any]]:
    return list(only(stack, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"])


def test_it_is_named_in_the_account_s_own_namespace() -> None:
    assert bucket()["BucketNamePrefix"] == "serverless-archive-prod"
    assert bucket()["BucketNamespace"] == "account-regional"
    assert "BucketName" not in bucket()


def test_it_is_private_and_versioned_and_its_owner_owns_what_is_in_it() -> None:
    assert set(bucket()["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket()["PublicAccessBlockConfiguration"]) == 4
    assert bucket()["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket()["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_it_is_encrypted_by_its_key_with_an_s3_bucket_key() -> None:
    stack = bucket_stack()
    (key,) = of_type(stack, "AWS::KMS::Key")
    (rule,) = only(stack, "AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]}},
    }


def test_one_that_takes_access_logs_is_encrypted_by_s3_itself() -> None:
    (rule,) = bucket(encrypted=False)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_bucket_refuses_requests_without_tls_1_2() -> None:
    stack = bucket_stack()
    (logical_id,) = of_type(stack, "AWS::S3::Bucket")
    everything = [
        {"Fn::GetAtt": [logical_id, "Arn"]},
        {"Fn::Join": ["", [{"Fn::GetAtt": [logical_id, "Arn"]}, "/*"]]},
    ]
    refused = [each for each in statements(stack) if each["Action"] == "s3:*"]
    assert [each["Condition"] for each in refused] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ]
    for each in refused:
        assert (each["Effect"], each["Principal"], each["Resource"]) == ("Deny", {"AWS": "*"}, everything)


def test_upload_with_another_encryption_is_refused_by_the_bucket() -> None:
    stack = bucket_stack()
    (key,) = of_type(stack, "AWS::KMS::Key")
    refused = [each["Condition"] for each in statements(stack) if each["Action"] == "s3:PutObject"]
    assert refused == [
        {
            "StringNotEquals": {header: wanted},
            "Null": {header: "false"},
            "Bool": {"aws:PrincipalIsAWSService": "false"},
        }
        for header, wanted in {
            "s3:x-amz-server-side-encryption": "aws:kms",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": {"Fn::GetAtt": [key, "Arn"]},
        }.items()
    ]


def test_every_bucket_drops_the_parts_of_uploads_that_were_abandoned() -> None:
    rules = bucket()["LifecycleConfiguration"]["Rules"]
    assert rules == [
        {
            "Id": "abandoned-multipart-uploads",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]


def test_lifecycle_rules_are_kept_beside_it() -> None:
    of = context()
    stack = stack_in(of)
    Bucket(
        stack,
        "Tried",
        context=of,
        resource="archive",
        key=None,
        lifecycle_rules=[expire("old", after_days=9), expire_noncurrent(3)],
    )
    _, old, noncurrent = only(stack, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert old["ExpirationInDays"] == 9
    assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": 9}
    assert noncurrent["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3}
    assert noncurrent["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in noncurrent, "what nobody deleted stays"


@pytest.mark.parametrize(("mode", "word"), [("governance", "GOVERNANCE"), ("compliance", "COMPLIANCE")])
def test_a_locked_one_is_locked_as_the_settings_say(mode: str, word: str) -> None:
    locked = bucket(locked=True, object_lock={"mode": mode, "days": 400})
    assert locked["ObjectLockEnabled"] is True
    assert locked["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Days": 400, "Mode": word}}


def test_no_other_is_locked() -> None:
    assert not bucket().keys() & {"ObjectLockEnabled", "ObjectLockConfiguration"}
    unlocked = bucket(locked=True, environment="dev", object_lock={"mode": "none"})
    assert not unlocked.keys() & {"ObjectLockEnabled", "ObjectLockConfiguration"}


def test_who_reads_and_writes_is_logged_under_a_prefix_of_its_own() -> None:
    of = context()
    stack = stack_in(of)
    logs = Bucket(stack, "Logs", context=of, resource="access-logs", key=None)
    Bucket(stack, "Tried", context=of, resource="ingest", key=key_in(stack), access_logs=logs.bucket)
    by_name = {each["BucketNamePrefix"]: each for each in of_type(stack, "AWS::S3::Bucket").values()}
    logging = by_name["serverless-ingest-prod"]["LoggingConfiguration"]
    assert logging["LogFilePrefix"] == "ingest/"
    assert logging["DestinationBucketName"]["Ref"].startswith("Logs")
    assert "LoggingConfiguration" not in by_name["serverless-access-logs-prod"]


def test_no_browser_may_come_unless_rules_are_given() -> None:
    assert "CorsConfiguration" not in bucket()
    of = context()
    stack = stack_in(of)
    rule = s3.CorsRule(allowed_origins=["https://a.example"], allowed_methods=[s3.HttpMethods.PUT])
    Bucket(stack, "Tried", context=of, resource="ingest", key=None, cors=[rule])
    assert only(stack, "AWS::S3::Bucket")["CorsConfiguration"] == {
        "CorsRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://a.example"]}]
    }


def test_queue_is_notified_of_incoming_objects_after_its_policy() -> None:
    of = context()
    stack = stack_in(of)
    tried = Bucket(stack, "Tried", context=of, resource="ingest", key=None)
    queue = sqs.Queue(stack, "Queue")
    let_s3_send = iam.PolicyStatement(
        principals=[iam.ServicePrincipal("s3.amazonaws.com")], actions=["sqs:SendMessage"], resources=[queue.queue_arn]
    )
    tried.notify(queue, queue.add_to_resource_policy(let_s3_send))
    (bucket_resource,) = Template.from_stack(stack).find_resources("AWS::S3::Bucket").values()
    (policy_id,) = of_type(stack, "AWS::SQS::QueuePolicy")
    assert bucket_resource["DependsOn"] == [policy_id]
    (configuration,) = only(stack, "AWS::S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    assert configuration["Event"] == "s3:ObjectCreated:*"
    assert configuration["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}}
    (queue_id,) = of_type(stack, "AWS::SQS::Queue")
    assert configuration["Queue"] == {"Fn::GetAtt": [queue_id, "Arn"]}
    assert not of_type(stack, "AWS::Lambda::Function"), "CDK's own way would bring one"


def test_a_bucket_that_the_settings_could_not_check_for_length_is_refused() -> None:
    of = context()
    with pytest.raises(NamingError, match="not among the buckets"):
        Bucket(stack_in(of), "Tried", context=of, resource="other", key=None)
