"""The audit trail: what it records, where it keeps it, and who may touch that."""

from aws_cdk import Stack
from aws_cdk.assertions import Match, Template

from infra.constructs.bucket import Bucket
from infra.constructs.trail import AuditTrail
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in

TRAIL, POLICY = "AWS::CloudTrail::Trail", "AWS::S3::BucketPolicy"
TRAIL_ARN = f"arn:aws:cloudtrail:us-west-2:{ACCOUNT}:trail/serverless-audit-prod"


def trail_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    access_logs = Bucket(stack, "AccessLogs", context=of, resource="access-logs", key=None)
    AuditTrail(stack, "Audit", context=of, key=key_in(stack), access_logs=access_logs.bucket)
    return stack


def test_the_trail_covers_all_regions_and_proves_its_files() -> None:
    trail = only(trail_stack(), TRAIL)
    assert trail["TrailName"] == "serverless-audit-prod"
    for wanted in (
        "IsLogging",
        "IsMultiRegionTrail",
        "IncludeGlobalServiceEvents",
        "EnableLogFileValidation",
    ):
        assert trail[wanted] is True, wanted
    assert "Fn::GetAtt" in trail["KMSKeyId"]


def test_the_trail_records_management_events_both_ingest_buckets_and_both_replicas() -> None:
    selectors = {
        tuple(field.get("Equals", field.get("StartsWith"))[0] for field in selector["FieldSelectors"][:2]): selector[
            "FieldSelectors"
        ][2:]
        for selector in only(trail_stack(), TRAIL)["AdvancedEventSelectors"]
    }
    assert selectors == {
        ("Management",): [],
        ("Data", "AWS::S3::Object"): [
            {
                "Field": "resources.ARN",
                "StartsWith": [
                    f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-west-2-an/",
                    f"arn:aws:s3:::serverless-ingest-prod-{ACCOUNT}-us-east-1-an/",
                ],
            }
        ],
        ("Data", "AWS::DynamoDB::Table"): [
            {
                "Field": "resources.ARN",
                "Equals": [
                    f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/serverless-ledger-prod",
                    f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/serverless-ledger-prod",
                ],
            }
        ],
    }


def test_only_this_trail_may_write_and_only_where_trails_write() -> None:
    statements = [
        statement
        for policy in of_type(trail_stack(), POLICY).values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    ]
    assert {statement["Action"] for statement in statements} == {"s3:GetBucketAcl", "s3:PutObject"}
    for statement in statements:
        assert statement["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL_ARN
        if statement["Action"] == "s3:PutObject":
            assert statement["Resource"]["Fn::Join"][1][-1] == f"/AWSLogs/{ACCOUNT}/*"


def test_the_bucket_is_locked_versioned_private_logged_and_encrypted() -> None:
    Template.from_stack(trail_stack()).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketNamePrefix": "serverless-trail-prod",
            "BucketNamespace": "account-regional",
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}},
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "LoggingConfiguration": {"LogFilePrefix": "trail/"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    Match.object_like({"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}})
                ]
            },
            "LifecycleConfiguration": {"Rules": Match.array_with([Match.object_like({"ExpirationInDays": 2557})])},
        },
    )


def test_the_lock_is_what_the_settings_say() -> None:
    stack = trail_stack(object_lock={"mode": "compliance", "days": 30})
    locks = [
        bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
        for bucket in of_type(stack, "AWS::S3::Bucket").values()
        if "ObjectLockConfiguration" in bucket
    ]
    assert locks == [{"Mode": "COMPLIANCE", "Days": 30}]


def test_the_log_group_is_encrypted_and_cloudtrail_alone_writes_it() -> None:
    stack = trail_stack()
    ((group_id, group),) = of_type(stack, "AWS::Logs::LogGroup").items()
    assert group["LogGroupName"] == "serverless-audit-prod"
    assert "KmsKeyId" in group
    assert only(stack, TRAIL)["CloudWatchLogsLogGroupArn"] == {"Fn::GetAtt": [group_id, "Arn"]}
    (trust,) = only(stack, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert "Condition" not in trust, "AWS documents none for this role, and with one the delivery is reported to stop"
    (statement,) = only(stack, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": [group_id, "Arn"]}
    Template.from_stack(stack).resource_count_is("AWS::IAM::Policy", 0)


def test_the_trail_waits_for_what_cloudtrail_tries_first() -> None:
    template = Template.from_stack(trail_stack())
    (managed_policy,) = template.find_resources("AWS::IAM::ManagedPolicy")
    (bucket_policy,) = (logical_id for logical_id in template.find_resources(POLICY) if logical_id.startswith("AuditBucket"))
    (trail,) = template.find_resources(TRAIL).values()
    assert {managed_policy, bucket_policy} <= set(trail["DependsOn"])
