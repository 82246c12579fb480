"""Queues: encrypted, TLS only, with SQS's longest retention, and a dead-letter queue that only its own sources may use."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.removal import removal_policy
from infra.region import RegionContext

RETENTION = Duration.days(14)
"""SQS's maximum: it covers a weekend, a holiday and the days needed to fix the cause."""
MAXIMUM_RECEIVES = 5
"""Receives of a message before SQS moves it to the dead-letter queue."""
VISIBILITY_TIMEOUTS = 6
"""The visibility timeout in function timeouts, as Lambda recommends, so that it can retry a throttled batch."""


class IngestQueue(Construct):
    """The queue that S3 notifies, with its dead-letter queue.

    Attributes:
        queue: the queue.
        dead_letter_queue: receives each message that was received `MAXIMUM_RECEIVES` times.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        key: kms.IKey,
        function_timeout: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        name = context.naming.queue("ingest")
        self.dead_letter_queue = _queue(
            self,
            "DeadLetterQueue",
            name=context.naming.queue("ingest-dlq"),
            context=context,
            key=key,
            # By name: the queue itself refers to its dead-letter queue, and the two would be a cycle.
            redrive_allow_policy=sqs.RedriveAllowPolicy(
                redrive_permission=sqs.RedrivePermission.BY_QUEUE,
                source_queues=[
                    sqs.Queue.from_queue_arn(self, "Source", Stack.of(self).format_arn(service="sqs", resource=name))
                ],
            ),
        )
        self.queue = _queue(
            self,
            "Queue",
            name=name,
            context=context,
            key=key,
            visibility_timeout=Duration.seconds(function_timeout.to_seconds() * VISIBILITY_TIMEOUTS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=MAXIMUM_RECEIVES),
        )

    def allow_notifications(self, bucket_arn: str) -> iam.AddToResourcePolicyResult:
        """Let S3 send the events of one bucket of this account."""
        return self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={
                    "ArnEquals": {"aws:SourceArn": bucket_arn},
                    "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                },
            )
        )


class AsyncDeadLetterQueue(Construct):
    """Queue for the events of asynchronous invocations that failed after all retries.

    SNS and EventBridge send their undeliverable messages to it.

    Attributes:
        queue: the queue.
    """

    def __init__(self, scope: Construct, construct_id: str, *, context: RegionContext, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self.queue = _queue(
            self,
            "Queue",
            name=context.naming.queue("async-dlq"),
            context=context,
            key=key,
            # No SQS queue redrives into it; Lambda sends to it as a function's role, SNS and EventBridge as themselves.
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        )


def _queue(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    context: RegionContext,
    key: kms.IKey,
    visibility_timeout: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
    redrive_allow_policy: sqs.RedriveAllowPolicy | None = None,
) -> sqs.Queue:
    return sqs.Queue(
        scope,
        construct_id,
        queue_name=name,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=Duration.hours(1),
        enforce_ssl=True,
        retention_period=RETENTION,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
        redrive_allow_policy=redrive_allow_policy,
        removal_policy=removal_policy(context.settings),
    )
