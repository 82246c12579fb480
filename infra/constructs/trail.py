"""The audit trail: every management event of the account, and every access to an uploaded object or a row."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.bucket import Bucket, bucket_arn, expire
from infra.constructs.log_group import log_group
from infra.constructs.table import table_arn
from infra.region import RegionContext

_SERVICE = "cloudtrail.amazonaws.com"


class AuditTrail(Construct):
    """The only multi-region trail, with its locked bucket and its log group; its home is the control region.

    Attributes:
        bucket: the bucket of CloudTrail's log files, under Object Lock.
        arn: the trail's ARN.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        key: kms.IKey,
        access_logs: s3.IBucket | None,
    ) -> None:
        """Create the trail.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the control region.
            key: encrypts bucket and log group; its policy must admit this trail, with `kms:Decrypt`, because
                the bucket has an S3 Bucket Key.
            access_logs: bucket in which S3 logs the reads of the log files.
        """
        super().__init__(scope, construct_id)
        self._context = context
        self._name = context.naming.trail("audit")
        # By name: the bucket's policy and the role name the trail, which in turn needs both.
        self.arn = Stack.of(self).format_arn(service="cloudtrail", resource="trail", resource_name=self._name)
        self.bucket = self._bucket(key, access_logs)
        self._create(key)

    def _bucket(self, key: kms.IKey, access_logs: s3.IBucket | None) -> Bucket:
        bucket = Bucket(
            self,
            "Bucket",
            context=self._context,
            resource="trail",
            key=key,
            access_logs=access_logs,
            lifecycle_rules=[expire("old-log-files", after_days=self._context.settings.retention.trail_days)],
            locked=True,
        )
        own_trail = {"aws:SourceArn": self.arn}
        bucket.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowTrailToFindOut",
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=["s3:GetBucketAcl"],
                resources=[bucket.bucket.bucket_arn],
                conditions={"StringEquals": own_trail},
            )
        )
        bucket.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowTrailToWrite",
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=["s3:PutObject"],
                resources=[bucket.bucket.arn_for_objects(f"AWSLogs/{Stack.of(self).account}/*")],
                conditions={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **own_trail}},
            )
        )
        return bucket

    def _create(self, key: kms.IKey) -> None:
        group = log_group(self, "Logs", context=self._context, resource="audit", key=key)
        # Without a condition on the trail: AWS documents none for this role, and with one the delivery is reported to stop
        # (https://github.com/prowler-cloud/prowler/issues/4714). The role may write to one log group and nothing else:
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal(_SERVICE))
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            roles=[role],
            statements=[
                iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group.log_group_arn])
            ],
        )
        trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=self._name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            kms_key_id=key.key_arn,
            s3_bucket_name=self.bucket.name,
            cloud_watch_logs_log_group_arn=group.log_group_arn,
            cloud_watch_logs_role_arn=role.role_arn,
            advanced_event_selectors=self._selectors(),
        )
        # CloudTrail tries both before it accepts the trail.
        trail.node.add_dependency(policy)
        trail.node.add_dependency(self.bucket.bucket.policy or self.bucket)

    def _selectors(self) -> list[cloudtrail.CfnTrail.AdvancedEventSelectorProperty]:
        regions = (self._context, self._context.peer)
        return [
            _selector("Management events", _field("eventCategory", equals=["Management"])),
            _selector(
                "Objects of the ingest buckets",
                _field("eventCategory", equals=["Data"]),
                _field("resources.type", equals=["AWS::S3::Object"]),
                _field("resources.ARN", starts_with=[f"{bucket_arn(self, each, 'ingest')}/" for each in regions]),
            ),
            _selector(
                "Rows of the table",
                _field("eventCategory", equals=["Data"]),
                _field("resources.type", equals=["AWS::DynamoDB::Table"]),
                _field("resources.ARN", equals=[table_arn(self, each) for each in regions]),
            ),
        ]


def _selector(
    name: str, *fields: cloudtrail.CfnTrail.AdvancedFieldSelectorProperty
) -> cloudtrail.CfnTrail.AdvancedEventSelectorProperty:
    return cloudtrail.CfnTrail.AdvancedEventSelectorProperty(name=name, field_selectors=list(fields))


def _field(
    field: str, *, equals: Sequence[str] | None = None, starts_with: Sequence[str] | None = None
) -> cloudtrail.CfnTrail.AdvancedFieldSelectorProperty:
    return cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
        field=field,
        equal_to=list(equals) if equals else None,
        starts_with=list(starts_with) if starts_with else None,
    )
