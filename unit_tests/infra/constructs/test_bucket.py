"""Test a bucket: its lifecycle rules, its notifications and the limit of its name."""

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from infra.constructs.bucket import Bucket, expire, expire_noncurrent
from infra.naming import NamingError
from unit_tests.infra.constructs.small_stack import context, of_type, only, stack_in


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


def test_bucket_name_too_long_is_refused() -> None:
    of = context()
    with pytest.raises(NamingError, match="not among the buckets"):
        Bucket(stack_in(of), "Tried", context=of, resource="other", key=None)
