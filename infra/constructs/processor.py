"""The processor: it writes the objects that its queue announces as records to the table, and reconciles on a schedule."""

from typing import Final

from aws_cdk import Duration, Size
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from handlers.shared import schema
from handlers.shared.object_keys import INCOMING
from infra.constructs.bucket import Bucket
from infra.constructs.function import Function, FunctionSurroundings
from infra.constructs.queue import MAXIMUM_RECEIVES, IngestQueue
from infra.constructs.schedule import run_by_the_clock
from infra.constructs.table import leading_keys, table_arn
from infra.region import RegionContext

SOURCE = "ingest"
"""Logical source of objects that are put into the bucket directly; a part of their identity, so equal in both regions."""
RECONCILED_EVERY = Duration.minutes(5)
"""A lost object is at least a quarter of an hour old when it is found; more runs cost more and gain nothing."""

DISK: Final = Size.gibibytes(4)
"""Accepted records take 1.5 GiB at most (`handlers.processor.intake`); rejected ones and the transform's files, the rest."""

PROCESSOR: Final = "processor"
"""Resource word of the function's name and of its role's name."""


class Processor(Construct):
    """The function, its permissions, the event source mapping of its queue, and the rule that runs the reconciler.

    Attributes:
        function: the function.
        mapping: the event source mapping.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: FunctionSurroundings,
        queue: IngestQueue,
        ingest: Bucket,
        archive: Bucket,
        data_key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        context, limits = surroundings.context, surroundings.context.settings.limits
        self.function = Function(
            self,
            "Function",
            surroundings=surroundings,
            resource=PROCESSOR,
            role_name=context.naming.role(PROCESSOR, context.region),
            description="Turns ingested objects into records of the ledger table",
            memory_size=limits.processor_memory_mb,
            ephemeral_storage=DISK,
            timeout=timeout(context),
            reserved_concurrency=limits.processor_concurrency,
            # While passive it puts messages back on its own queue until the ledger proves them done; it bounds that
            # itself by age, and Lambda's own detection would send the sixteenth hop to the dead-letter queue.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            environment={
                "TABLE_NAME": context.naming.table("ledger"),
                "QUEUE_URL": queue.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": queue.dead_letter_queue.queue_url,
                "INGEST_BUCKET": ingest.name,
                "ARCHIVE_BUCKET": archive.name,
                "SOURCE": SOURCE,
                "PRIMARY_REGION": context.settings.primary_region,
                "SECONDARY_REGION": context.settings.secondary_region,
                "MAXIMUM_OBJECT_BYTES": str(limits.maximum_object_bytes),
                "MAXIMUM_EXPANDED_BYTES": str(limits.maximum_expanded_bytes),
                "SHADOW_DELAY_SECONDS": str(limits.shadow_delay_seconds),
                "SHADOW_MAXIMUM_AGE_SECONDS": str(limits.shadow_maximum_age_seconds),
                "CONTROL_CACHE_SECONDS": str(limits.control_cache_seconds),
                "ATTEMPT_RETENTION_DAYS": str(context.settings.retention.attempts_days),
                "CANARY_RETENTION_DAYS": str(context.settings.rows_kept_days("canary_days")),
                "MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES),
                **({"FORMATS": ",".join(context.settings.formats)} if context.settings.formats else {}),
            },
        )
        self._allow(queue, ingest, archive, data_key, context)
        self.mapping = self._map(queue, context)
        run_by_the_clock(
            self,
            context=context,
            function=self.function,
            resource="reconcile",
            description="Runs the processor's reconciler, for objects that have no message any more",
            interval=RECONCILED_EVERY,
            dead_letter_queue=surroundings.dead_letter_queue,
        )

    def _allow(
        self, queue: IngestQueue, ingest: Bucket, archive: Bucket, data_key: kms.IKey, context: RegionContext
    ) -> None:
        allow = self.function.allow
        allow("s3:GetObject", "s3:GetObjectVersion", on=[ingest.bucket.arn_for_objects(f"{INCOMING}*")])
        # So that S3 answers 404 and not 403 for a version that was deleted meanwhile. It tells by whether the caller might
        # list the bucket, and a GET has no s3:prefix that a condition could look at.
        allow("s3:ListBucket", on=[ingest.bucket.bucket_arn])
        # Another version of an upload stands in for one that was deleted; and the reconciler walks through all of them.
        allow("s3:ListBucketVersions", on=[ingest.bucket.bucket_arn])
        allow(
            "s3:PutObject",
            on=[archive.bucket.arn_for_objects("rejected/*"), archive.bucket.arn_for_objects("quarantined/*")],
        )
        # The rejected records of an object that is read in several invocations.
        allow("s3:GetObject", on=[archive.bucket.arn_for_objects("rejected/*.part")])
        # The reconciler scans the table, a page at a time, for records whose RESULT or object is gone.
        allow("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", on=[table_arn(self, context)])
        # Not the control row, nor any other row by which regions are judged. Of an object's rows it deletes none.
        allow(
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            on=[table_arn(self, context)],
            conditions=leading_keys(schema.RECORD_PARTITION_KEYS),
        )
        allow(
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=[table_arn(self, context)],
            conditions=leading_keys(schema.object_partition_key("*"), schema.reconciler_partition_key(context.region)),
        )
        allow("kms:Decrypt", "kms:GenerateDataKey", on=[data_key.key_arn])
        allow("sqs:SendMessage", on=[queue.queue.queue_arn, queue.dead_letter_queue.queue_arn])
        # It makes a failed message visible after seconds; Lambda's poller needs the permission too.
        allow("sqs:ChangeMessageVisibility", on=[queue.queue.queue_arn])
        allow(
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            on=[queue.queue.queue_arn],
            by_lambda=True,
        )

    def _map(self, queue: IngestQueue, context: RegionContext) -> lambda_.EventSourceMapping:
        limits = context.settings.limits
        mapping = self.function.function.add_event_source_mapping(
            "Queue",
            event_source_arn=queue.queue.queue_arn,
            batch_size=limits.batch_size,
            report_batch_item_failures=True,
            # Below the reserved concurrency, or throttled batches would use up their receives and be dead letters.
            max_concurrency=limits.event_source_concurrency,
        )
        # Lambda refuses a mapping whose role may not read the queue yet.
        mapping.node.add_dependency(self.function.policy)
        return mapping


def timeout(context: RegionContext) -> Duration:
    """Return the processor's timeout, from which the queue's visibility timeout is derived."""
    return Duration.seconds(context.settings.limits.processor_timeout_seconds)
