"""The customer managed keys: one a purpose, under the same aliases in each region.

They are independent single-Region keys. S3 treats a multi-Region key as a single-Region one anyway, and the other region's
data stays readable if one region's key is compromised or disabled by mistake.
"""

from enum import StrEnum

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from infra.constructs.removal import removal_policy
from infra.region import RegionContext


class KeyPurpose(StrEnum):
    """Purpose of a key. Buckets and the queue that they notify need different keys, or the two would form a cycle."""

    DATA = "data"
    """The ingest and archive buckets, the table."""
    QUEUE = "queue"
    """Queues and topics."""
    LOGS = "logs"
    """Log groups."""
    SECRET = "secret"  # noqa: S105 - a purpose, not a password
    """The receipt-signing secret."""
    TRAIL = "trail"
    """The audit trail's bucket and log group."""


class Keys(Construct):
    """The keys of one region, each with its alias and a policy that admits the AWS services which use it."""

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self._keys = {purpose: self._key(purpose) for purpose in KeyPurpose}
        self._admit_services()

    def __getitem__(self, purpose: KeyPurpose) -> kms.Key:
        """Return this region's key for a purpose."""
        return self._keys[purpose]

    def _key(self, purpose: KeyPurpose) -> kms.Key:
        return kms.Key(
            self,
            purpose.capitalize(),
            alias=self._context.naming.alias(purpose),
            description=f"Encrypts {purpose} ({self._context.settings.environment})",
            enable_key_rotation=True,
            removal_policy=removal_policy(self._context.settings),
        )

    def _admit_services(self) -> None:
        stack = Stack.of(self)
        own_account = {"StringEquals": {"aws:SourceAccount": stack.account}}
        encrypt = ["kms:Decrypt", "kms:GenerateDataKey"]
        # S3 sends notifications to the encrypted queue, EventBridge what it cannot deliver to the encrypted dead-letter
        # queue; CloudWatch alarms publish to the encrypted topic.
        self._admit(KeyPurpose.QUEUE, "s3.amazonaws.com", encrypt, own_account)
        self._admit(KeyPurpose.QUEUE, "events.amazonaws.com", encrypt, own_account)
        self._admit(KeyPurpose.QUEUE, "cloudwatch.amazonaws.com", encrypt, own_account)
        if self._context.settings.alarms_email:
            # What SNS cannot deliver by e-mail, it sends to the encrypted dead-letter queue.
            self._admit(KeyPurpose.QUEUE, "sns.amazonaws.com", encrypt, own_account)
        self._admit_log_groups(KeyPurpose.LOGS)
        self._admit_log_groups(KeyPurpose.TRAIL)
        self._admit_trail()

    def _admit_log_groups(self, purpose: KeyPurpose) -> None:
        stack = Stack.of(self)
        log_groups = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{self._context.settings.prefix}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self._admit(
            purpose,
            # Of the few principals that differ by partition; CloudTrail, SNS and the others are the same everywhere:
            # https://docs.amazonaws.cn/en_us/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
            f"logs.{stack.region}.{RegionInfo.get(stack.region).domain_suffix}",
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        )

    def _admit_trail(self) -> None:
        """Admit the one trail; a multi-region trail is identified by its home region."""
        context = self._context
        home = context if context.is_control else context.peer
        trail = Stack.of(self).format_arn(
            service="cloudtrail", region=home.region, resource="trail", resource_name=context.naming.trail("audit")
        )
        source = {"StringEquals": {"aws:SourceArn": trail}}
        self._admit(
            KeyPurpose.TRAIL,
            "cloudtrail.amazonaws.com",
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
            source,
        )

    def _admit(self, purpose: KeyPurpose, service: str, actions: list[str], conditions: dict[str, dict[str, str]]) -> None:
        self._keys[purpose].add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)], actions=actions, resources=["*"], conditions=conditions
            )
        )


def alias_arn(scope: Construct, context: RegionContext, purpose: KeyPurpose) -> str:
    """Return the ARN of a key's alias in the region of `context`, which can be named before the key exists."""
    return Stack.of(scope).format_arn(
        service="kms",
        region=context.region,
        resource="alias",
        resource_name=context.naming.alias(purpose).removeprefix("alias/"),
    )


def alias_statement(
    scope: Construct, context: RegionContext, purpose: KeyPurpose, *, actions: list[str]
) -> iam.PolicyStatement:
    """Return a statement that allows `actions` on the key behind an alias of another region.

    IAM accepts no alias as a resource, so a condition names the alias.
    """
    keys = Stack.of(scope).format_arn(
        service="kms", account=Aws.ACCOUNT_ID, region=context.region, resource="key", resource_name="*"
    )
    return iam.PolicyStatement(
        actions=actions,
        resources=[keys],
        conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": context.naming.alias(purpose)}},
    )
