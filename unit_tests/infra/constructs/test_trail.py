"""Test the audit trail: its log group, and the resources that it depends on."""

from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.constructs.bucket import Bucket
from infra.constructs.trail import AuditTrail
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in

TRAIL, POLICY = "AWS::CloudTrail::Trail", "AWS::S3::BucketPolicy"


def trail_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    access_logs = Bucket(stack, "AccessLogs", context=of, resource="access-logs", key=None)
    AuditTrail(stack, "Audit", context=of, key=key_in(stack), access_logs=access_logs.bucket)
    return stack


def test_trail_delivers_to_its_own_log_group() -> None:
    stack = trail_stack()
    ((group_id, group),) = of_type(stack, "AWS::Logs::LogGroup").items()
    assert group["LogGroupName"] == "serverless-audit-prod"
    assert only(stack, TRAIL)["CloudWatchLogsLogGroupArn"] == {"Fn::GetAtt": [group_id, "Arn"]}


def test_trail_depends_on_its_delivery_permissions() -> None:
    template = Template.from_stack(trail_stack())
    (managed_policy,) = template.find_resources("AWS::IAM::ManagedPolicy")
    (bucket_policy,) = (logical_id for logical_id in template.find_resources(POLICY) if logical_id.startswith("AuditBucket"))
    (trail,) = template.find_resources(TRAIL).values()
    assert {managed_policy, bucket_policy} <= set(trail["DependsOn"])
