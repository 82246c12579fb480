"""Stacks 3 and 4, one in each region: the ingestion path. It refers to no other region, and only to the keys stack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from handlers.shared.object_keys import CANARIES
from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.alarms import Alarms
from infra.constructs.bucket import Bucket, bucket_arn, expire, expire_canaries, expire_noncurrent
from infra.constructs.custom_domain import CustomDomain
from infra.constructs.default_security_group import DefaultSecurityGroup
from infra.constructs.failover import copied_digests
from infra.constructs.front_door import FrontDoor
from infra.constructs.function import FunctionSurroundings
from infra.constructs.issuer import Issuer
from infra.constructs.keys import KeyPurpose, Keys
from infra.constructs.metrics import RegionMetrics
from infra.constructs.network import Network
from infra.constructs.observer import Observer
from infra.constructs.processor import Processor, timeout
from infra.constructs.queue import AsyncDeadLetterQueue, IngestQueue
from infra.constructs.replication import ReplicationRole, replicate_to_peer
from infra.constructs.secret import RECEIPT_SECRET, ReceiptSecretRotation, Rotation
from infra.region import RegionContext, RegionRole

_UPLOAD_HEADERS = (
    "content-type",
    "if-none-match",
    "x-amz-checksum-sha256",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
)
"""Headers that a browser sends with a presigned PUT: the signed ones, and the content type that the browser adds."""


class RegionalStack(Stack):
    """One region's buckets, queues, functions, network, front door and alarms."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        keys: Keys,
        asset: Path,
        peer_alarm_digests: Mapping[str, str] | None = None,
        **kwargs: Any,  # noqa: ANN401 - the arguments of Stack
    ) -> None:
        """Create the stack.

        Args:
            scope: the app.
            construct_id: the id under it.
            context: the region.
            keys: the region's keys.
            asset: the directory that functions run from.
            peer_alarm_digests: the other region's `alarm_digests`; the primary with a domain needs them.
            kwargs: Stack's own.
        """
        super().__init__(scope, construct_id, **kwargs)
        self._context = context
        self._keys = keys
        self._peer_alarm_digests = peer_alarm_digests or {}
        self.network = self._network()
        self.async_dead_letter_queue = AsyncDeadLetterQueue(
            self, "AsyncDeadLetters", context=context, key=keys[KeyPurpose.QUEUE]
        )
        self.queue = IngestQueue(
            self, "IngestQueue", context=context, key=keys[KeyPurpose.QUEUE], function_timeout=timeout(context)
        )
        self._buckets()
        self._functions(asset)
        self._front_door()
        self._observe()
        self._alarms()
        self._outputs()

    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """Ids of the availability zones in the settings; CDK's default would look them up in an account."""
        vpc = self._context.settings.vpc
        return list(vpc.zone_ids_of(self._context.region)[: vpc.availability_zones])

    def _network(self) -> Network | None:
        if self._context.settings.vpc.mode == "none":
            return None
        return Network(self, "Network", context=self._context, logs_key=self._keys[KeyPurpose.LOGS])

    def _buckets(self) -> None:
        context, retention, key = self._context, self._context.settings.retention, self._keys[KeyPurpose.DATA]
        self.access_logs = Bucket(
            self,
            "AccessLogs",
            context=context,
            resource="access-logs",
            key=None,
            lifecycle_rules=[expire("expire", after_days=retention.access_logs_days)],
        )
        self.ingest = Bucket(
            self,
            "Ingest",
            context=context,
            resource="ingest",
            key=key,
            access_logs=self.access_logs.bucket,
            lifecycle_rules=[
                expire_noncurrent(retention.ingest_noncurrent_days),
                expire_canaries(retention.canary_days),
            ],
            cors=self._cors(),
        )
        self.archive = Bucket(
            self,
            "Archive",
            context=context,
            resource="archive",
            key=key,
            access_logs=self.access_logs.bucket,
            lifecycle_rules=[expire("expire", after_days=retention.archive_days)],
            locked=True,
        )
        self.replication_role = ReplicationRole(self, "Replication", context=context, key=key)
        self.ingest.notify(self.queue.queue, self.queue.allow_notifications(bucket_arn(self, context, "ingest")))
        if context.role is RegionRole.PRIMARY:
            # The failover stack sets the secondary's rule, when both buckets exist.
            replicate_to_peer(self.ingest, context=context, role=self.replication_role)

    def _cors(self) -> list[s3.CorsRule]:
        origins = self._context.settings.cors_origins
        if not origins:
            return []
        return [
            s3.CorsRule(
                allowed_origins=list(origins),
                allowed_methods=[s3.HttpMethods.PUT],
                allowed_headers=list(_UPLOAD_HEADERS),
                max_age=600,
            )
        ]

    def _functions(self, asset: Path) -> None:
        keys = self._keys
        self._surroundings = surroundings = FunctionSurroundings(
            context=self._context,
            code=lambda_.Code.from_asset(str(asset)),
            logs_key=keys[KeyPurpose.LOGS],
            queue_key=keys[KeyPurpose.QUEUE],
            dead_letter_queue=self.async_dead_letter_queue.queue,
            network=self.network,
        )
        self.processor = Processor(
            self,
            "Processor",
            surroundings=surroundings,
            queue=self.queue,
            ingest=self.ingest,
            archive=self.archive,
            data_key=keys[KeyPurpose.DATA],
        )
        self.issuer = Issuer(
            self,
            "Issuer",
            surroundings=surroundings,
            ingest=self.ingest,
            queue=self.queue,
            data_key=keys[KeyPurpose.DATA],
            secret_key=keys[KeyPurpose.SECRET],
        )
        # A failed canary moves clients, so the issuer accepts the canary source from the observer's role only.
        self.ingest.reserve(CANARIES, role=self.issuer.function.role)
        self.rotation = Rotation(self, "Rotation", surroundings=surroundings, secret_key=keys[KeyPurpose.SECRET])
        if self._context.is_control:
            ReceiptSecretRotation(self, "RotationSchedule", context=self._context, function=self.rotation.function.function)
        if self.network:
            DefaultSecurityGroup(self, "DefaultSecurityGroup", surroundings=surroundings, network=self.network)

    def _front_door(self) -> None:
        context = self._context
        self.front_door = FrontDoor(
            self,
            "FrontDoor",
            context=context,
            issuer=self.issuer.function.function,
            logs_key=self._keys[KeyPurpose.LOGS],
        )
        if context.settings.domain:
            domain = CustomDomain(
                self,
                "Domain",
                context=context,
                domain=context.settings.domain,
                stage=self.front_door.stage,
                alarm_digests=self._peer_alarm_digests,
            )
            CfnOutput(self, "HealthCheckId", value=domain.health_check.attr_health_check_id)

    def _observe(self) -> None:
        # After the front door, through which the canary is uploaded.
        self.observer = Observer(
            self,
            "Observer",
            surroundings=self._surroundings,
            queue=self.queue,
            ingest=self.ingest,
            front_door=self.front_door,
            data_key=self._keys[KeyPurpose.DATA],
        )

    def _alarms(self) -> None:
        self.topic = AlarmTopic(
            self,
            "AlarmTopic",
            context=self._context,
            key=self._keys[KeyPurpose.QUEUE],
            dead_letter_queue=self.async_dead_letter_queue.queue,
        ).topic
        metrics = RegionMetrics(context=self._context, account=self.account, api_id=self.front_door.api.api_id)
        alarms = Alarms(self, "Alarms", context=self._context, metrics=metrics, topic=self.topic)
        self.alarm_digests = copied_digests(alarms.by_resource)
        self._warn_if_nobody_is_notified()

    def _warn_if_nobody_is_notified(self) -> None:
        settings = self._context.settings
        if settings.is_protected and settings.alarms_email is None:
            Annotations.of(self).add_warning_v2(
                "lockstep:alarms-email",
                f"alarms_email is not set in environment {settings.environment}, so no alarm of {self._context.region} "
                f"sends e-mail. Type under [environments.{settings.environment}] in environments.toml: "
                'alarms_email = "on-call@example.com"',
            )

    def _outputs(self) -> None:
        """Create the outputs for the failover stack, the end-to-end test and the drill."""
        naming = self._context.naming
        outputs = {
            "IngestBucketName": self.ingest.name,
            "ArchiveBucketName": self.archive.name,
            "AccessLogsBucketName": self.access_logs.name,
            "IngestQueueUrl": self.queue.queue.queue_url,
            "DeadLetterQueueUrl": self.queue.dead_letter_queue.queue_url,
            "AsyncDeadLetterQueueUrl": self.async_dead_letter_queue.queue.queue_url,
            "TableName": naming.table("ledger"),
            "SecretName": naming.secret(RECEIPT_SECRET),
            "ProcessorFunctionName": self.processor.function.function.function_name,
            "IssuerFunctionName": self.issuer.function.function.function_name,
            "ObserverFunctionName": self.observer.function.function.function_name,
            "ApiId": self.front_door.api.api_id,
            "ApiHost": self.front_door.host,
            "ApiEndpoint": self.front_door.url,
            "AlarmTopicArn": self.topic.topic_arn,
            "ReplicationRoleArn": self.replication_role.role.role_arn,
        }
        if self.network:
            outputs["VpcId"] = self.network.vpc.vpc_id
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
