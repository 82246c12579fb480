"""Buckets: private, versioned, TLS only, encrypted, logged, named in the account-regional namespace."""

from collections.abc import Sequence

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from handlers.shared.object_keys import CANARIES, INCOMING
from infra.constructs.removal import removal_policy
from infra.region import RegionContext

ABANDONED_UPLOADS_AFTER = Duration.days(7)
"""Age at which parts of an incomplete multipart upload are removed: they cost money, and no listing shows them."""


class Bucket(Construct):
    """One bucket, `serverless-<resource>-<environment>-<account>-<region>-an`.

    Attributes:
        bucket: the bucket.
        name: the name, as a reference.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        resource: str,
        key: kms.IKey | None,
        access_logs: s3.IBucket | None = None,
        lifecycle_rules: Sequence[s3.LifecycleRule] = (),
        cors: Sequence[s3.CorsRule] = (),
        locked: bool = False,
    ) -> None:
        """Create the bucket.

        Args:
            scope: the parent.
            construct_id: the id under it.
            context: the bucket's region.
            resource: the resource word of its name.
            key: the key that encrypts it; None for S3's own, the only one that an access-log bucket takes.
            access_logs: where S3 logs who read and wrote it; None for a bucket that holds such logs itself.
            lifecycle_rules: rules besides the one that removes abandoned multipart uploads.
            cors: rules for browsers; without any, the bucket has no CORS.
            locked: whether the bucket has the Object Lock of the settings.
        """
        super().__init__(scope, construct_id)
        settings = context.settings
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name_prefix=context.naming.bucket_prefix(resource, context.region),
            bucket_namespace=s3.BucketNamespace.ACCOUNT_REGIONAL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{resource}/" if access_logs else None,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="abandoned-multipart-uploads", abort_incomplete_multipart_upload_after=ABANDONED_UPLOADS_AFTER
                ),
                *lifecycle_rules,
            ],
            cors=list(cors) or None,
            object_lock_enabled=True if locked and settings.object_lock.mode != "none" else None,
            object_lock_default_retention=_retention(context) if locked else None,
            removal_policy=removal_policy(settings),
        )
        self.name = self.bucket.bucket_name
        if key:
            self._refuse_other_keys(key)

    @property
    def resource(self) -> s3.CfnBucket:
        """The CloudFormation resource, for properties that CDK's bucket lacks."""
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - CDK's invariant, for the type checker
        return resource

    def notify(self, queue: sqs.IQueue, allowed: iam.AddToResourcePolicyResult) -> None:
        """Let S3 notify a queue of each object created under `incoming/`, replicas included.

        The property is set on the resource itself, because CDK's method adds a custom resource with a function.

        Args:
            queue: the queue.
            allowed: the queue's policy, created first: S3 sends a test message when the bucket is created.
        """
        self.resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=INCOMING)]
                        )
                    ),
                )
            ]
        )
        if allowed.policy_dependable:
            self.resource.node.add_dependency(allowed.policy_dependable)

    def reserve(self, prefix: str, *, role: iam.IRole) -> None:
        """Deny puts under a prefix to every principal except one role, whatever their own policies allow.

        Replication still works: S3 writes a replica as `s3:ReplicateObject`, not as `s3:PutObject`.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html

        Args:
            prefix: ends with a slash.
            role: the role that may put; a presigned URL acts as the role that signed it.
        """
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self.bucket.arn_for_objects(f"{prefix}*")],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}},
            )
        )

    def _refuse_other_keys(self, key: kms.IKey) -> None:
        """Refuse an upload that names another encryption; one that names none gets the bucket's own.

        AWS's services are exempt: a log delivery names its own encryption, and a refused delivery is lost. No other
        principal can act as a service, and each service that may write is allowed by name.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
        """
        refusals = {
            "s3:x-amz-server-side-encryption": "aws:kms",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": key.key_arn,
        }
        for condition, wanted in refusals.items():
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=["s3:PutObject"],
                    resources=[self.bucket.arn_for_objects("*")],
                    conditions={
                        "StringNotEquals": {condition: wanted},
                        "Null": {condition: "false"},
                        "Bool": {"aws:PrincipalIsAWSService": "false"},
                    },
                )
            )


def expire(construct_id: str, *, after_days: int) -> s3.LifecycleRule:
    """Return a rule that removes objects and their former versions after a number of days."""
    return s3.LifecycleRule(
        id=construct_id,
        expiration=Duration.days(after_days),
        noncurrent_version_expiration=Duration.days(after_days),
    )


def expire_noncurrent(after_days: int) -> s3.LifecycleRule:
    """Return a rule that removes replaced and deleted versions, and delete markers that hide no version."""
    return s3.LifecycleRule(
        id="expire-noncurrent",
        noncurrent_version_expiration=Duration.days(after_days),
        expired_object_delete_marker=True,
    )


def expire_canaries(after_days: int) -> s3.LifecycleRule:
    """Return a rule that removes the observers' canaries in this region; S3 replicates no lifecycle deletion."""
    return s3.LifecycleRule(id="expire-canaries", prefix=CANARIES, expiration=Duration.days(after_days))


def bucket_arn(scope: Construct, context: RegionContext, resource: str) -> str:
    """Return a bucket's ARN by its name, for a policy that cannot refer to the bucket, or for the other region."""
    # The account as CloudFormation knows it: what the gate acknowledges by ARN then holds in any account.
    name = context.naming.bucket_name(resource, Aws.ACCOUNT_ID, context.region)
    return Stack.of(scope).format_arn(service="s3", account="", region="", resource=name)


def _retention(context: RegionContext) -> s3.ObjectLockRetention | None:
    lock = context.settings.object_lock
    days = Duration.days(lock.days)
    return {
        "none": None,
        "governance": s3.ObjectLockRetention.governance(days),
        "compliance": s3.ObjectLockRetention.compliance(days),
    }[lock.mode]
