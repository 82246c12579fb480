"""The issuer: the function behind the HTTP API, which returns presigned uploads, receipts and the state of files."""

from typing import Final

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from handlers.shared import object_keys, schema
from infra.constructs.bucket import Bucket
from infra.constructs.function import Function, FunctionSurroundings, role_arn
from infra.constructs.observer import OBSERVER
from infra.constructs.queue import IngestQueue
from infra.constructs.secret import RECEIPT_SECRET
from infra.constructs.table import index_arn, leading_keys, table_arn

ISSUER: Final = "issuer"
"""Resource word of the function's name and of its role's name."""


class Issuer(Construct):
    """The function and its permissions.

    Attributes:
        function: the function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: FunctionSurroundings,
        ingest: Bucket,
        queue: IngestQueue,
        data_key: kms.IKey,
        secret_key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        context, limits = surroundings.context, surroundings.context.settings.limits
        secret_name = context.naming.secret(RECEIPT_SECRET)
        self.function = Function(
            self,
            "Function",
            surroundings=surroundings,
            resource=ISSUER,
            role_name=context.naming.role(ISSUER, context.region),
            description="Issues presigned uploads and receipts; returns the state of files",
            traced=False,
            logs_calls=False,
            memory_size=512,
            timeout=Duration.seconds(20),
            reserved_concurrency=limits.issuer_concurrency,
            environment={
                "TABLE_NAME": context.naming.table("ledger"),
                "INGEST_BUCKET": ingest.name,
                "DATA_KEY_ARN": data_key.key_arn,
                "QUEUE_URL": queue.queue.queue_url,
                "SECRET_NAME": secret_name,
                "PRIMARY_REGION": context.settings.primary_region,
                "SECONDARY_REGION": context.settings.secondary_region,
                "MAXIMUM_OBJECT_BYTES": str(limits.maximum_object_bytes),
                "UPLOAD_EXPIRY_SECONDS": str(limits.upload_expiry_seconds),
                "UPLOAD_RETENTION_DAYS": str(context.settings.rows_kept_days("uploads_days")),
                "CANARY_RETENTION_DAYS": str(context.settings.rows_kept_days("canary_days")),
                # Its canaries alone go by the reserved source, and only to its own region's API.
                "OBSERVER_ROLE_ARNS": role_arn(self, context, context.naming.role(OBSERVER, context.region)),
                **({"CALLERS": ",".join(context.settings.callers)} if context.settings.callers else {}),
            },
        )
        allow = self.function.allow
        uploads = ingest.bucket.arn_for_objects(f"{object_keys.UPLOADS}*")
        # S3 keeps what has arrived of a multipart upload; PutObject also begins and completes one.
        allow("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject", on=[uploads])
        allow("s3:ListBucketMultipartUploads", on=[ingest.bucket.bucket_arn])
        allow(
            "s3:ListBucket",
            on=[ingest.bucket.bucket_arn],
            # So that S3 answers 404 and not 403 for an upload that has not arrived.
            conditions={"StringLike": {"s3:prefix": f"{object_keys.UPLOADS}*"}},
        )
        allow("dynamodb:GetItem", "dynamodb:Query", on=[table_arn(self, context)])
        # Not the control row, nor any other row by which regions are judged.
        allow(
            "dynamodb:PutItem",
            on=[table_arn(self, context)],
            conditions=leading_keys(
                schema.object_partition_key("*"),
                schema.claim_partition_key("*", "*"),
                schema.health_partition_key(context.region),
            ),
        )
        allow("dynamodb:Query", on=[index_arn(self, context, schema.FILE_INDEX)])
        allow(
            "secretsmanager:GetSecretValue",
            # Secrets Manager ends each secret's ARN with six characters of its own choosing.
            on=[
                Stack.of(self).format_arn(
                    service="secretsmanager",
                    resource="secret",
                    resource_name=f"{secret_name}-??????",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
        )
        allow("sqs:GetQueueAttributes", on=[queue.queue.queue_arn])
        allow("kms:Decrypt", "kms:GenerateDataKey", on=[data_key.key_arn])
        allow("kms:Decrypt", on=[secret_key.key_arn])
