"""The metrics of one region, each defined once for its alarms and for the dashboard of both regions.

Resources have deterministic names, so the dashboard can name those of the other region too. Only the API's id is chosen
by AWS, and is passed in.

The region of a replication metric varies. DynamoDB publishes its latency where the write was made. S3 publishes latency
and pending operations in the *destination's* region and failed operations in the *source's*; see "Using S3 Replication
metrics" in the S3 User Guide.
"""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from handlers.shared import schema
from infra.constructs.function import METRICS_NAMESPACE
from infra.constructs.replication import RULE_ID
from infra.region import RegionContext

MINUTE: Final = Duration.minutes(1)
FIVE_MINUTES: Final = Duration.minutes(5)
ROUND: Final = FIVE_MINUTES
"""The observer compares digests and secrets once in each."""
FIFTEEN_MINUTES: Final = Duration.minutes(15)
HOUR: Final = Duration.hours(1)

INDEXES: Final = (schema.FILE_INDEX, schema.STATE_INDEX)
OPERATIONS: Final = ("BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem")
"""Operations of the functions on the table; DynamoDB counts its own errors by operation only."""


@dataclass(frozen=True, kw_only=True)
class RegionMetrics:
    """The metrics of one region.

    Attributes:
        context: the region.
        account: the account, which the buckets' names hold.
        api_id: the id of the region's HTTP API.
    """

    context: RegionContext
    account: str
    api_id: str

    def queue_age(self) -> cloudwatch.Metric:
        """Seconds that the oldest message of the ingest queue has been there since it was last put."""
        return self._queue("ingest", "ApproximateAgeOfOldestMessage")

    def queue_depth(self) -> cloudwatch.Metric:
        """Messages that wait in the ingest queue."""
        return self._queue("ingest", "ApproximateNumberOfMessagesVisible")

    def dead_letters(self) -> cloudwatch.Metric:
        """Messages in the ingest queue's dead-letter queue."""
        return self._queue("ingest-dlq", "ApproximateNumberOfMessagesVisible")

    def async_dead_letters(self) -> cloudwatch.Metric:
        """Events of asynchronous invocations that failed for good, and alarms that SNS could not deliver."""
        return self._queue("async-dlq", "ApproximateNumberOfMessagesVisible")

    def errors(self, function: str) -> cloudwatch.Metric:
        """Invocations of a function that ended in an exception, a timeout or a lack of memory."""
        return self._function(function, "Errors", "Sum")

    def throttles(self, function: str) -> cloudwatch.Metric:
        """Invocations of a function that Lambda refused for want of concurrency."""
        return self._function(function, "Throttles", "Sum")

    def duration(self, function: str) -> cloudwatch.Metric:
        """Milliseconds that all but the slowest hundredth of a function's invocations took at most."""
        return self._function(function, "Duration", "p99")

    def requests(self) -> cloudwatch.Metric:
        """Requests of the HTTP API."""
        return self._api("Count")

    def refusals(self) -> cloudwatch.Metric:
        """Requests that the HTTP API answered with a 4xx: throttled, not signed as they should be, or wrong."""
        return self._api("4xx")

    def server_errors(self) -> cloudwatch.Metric:
        """Requests that the HTTP API answered with a 5xx, a failed `/ready` among them."""
        return self._api("5xx")

    def table_throttles(self, kind: str, index: str | None = None) -> cloudwatch.Metric:
        """Requests that DynamoDB throttled on the table itself or on one of its indexes.

        Args:
            kind: `Read` or `Write`.
            index: the index; None for the table.
        """
        dimensions = {"GlobalSecondaryIndexName": index} if index else {}
        return self._table(f"{kind}ThrottleEvents", dimensions, period=MINUTE)

    def table_errors(self, operation: str) -> cloudwatch.Metric:
        """Requests of one operation that failed on DynamoDB's side."""
        return self._table("SystemErrors", {"Operation": operation}, period=MINUTE)

    def table_replication_latency(self) -> cloudwatch.Metric:
        """Milliseconds until a write of this region's replica appears in the other region's."""
        return self._table(
            "ReplicationLatency",
            {"ReceivingRegion": self.context.peer.region},
            statistic="Average",
            period=MINUTE,
        )

    def incoming_replication_latency(self) -> cloudwatch.Metric:
        """Seconds that this region's ingest bucket is behind the other region's."""
        return self._replication("ReplicationLatency", source=self.context.peer, statistic="Maximum")

    def incoming_replication_pending(self) -> cloudwatch.Metric:
        """Operations of the other region's ingest bucket that have not arrived in this region's."""
        return self._replication("OperationsPendingReplication", source=self.context.peer, statistic="Maximum")

    def outgoing_replication_failed(self) -> cloudwatch.Metric:
        """Operations of this region's ingest bucket that S3 gave up replicating to the other region's."""
        return self._replication("OperationsFailedReplication", source=self.context, statistic="Sum")

    def shadow_age(self) -> cloudwatch.Metric:
        """Seconds since the oldest message that the shadow consumer put back was first seen."""
        return self._own("ShadowAge", service="processor", statistic="Maximum")

    def quarantined(self) -> cloudwatch.Metric:
        """Objects that the processor could not read at all."""
        return self._own("ObjectsQuarantined", service="processor", statistic="Sum")

    def postponed(self) -> cloudwatch.Metric:
        """Messages that the processor put back because the objects before them in it had taken the time there was."""
        return self._own("MessagesPostponed", service="processor", statistic="Sum")

    def unreconciled(self) -> cloudwatch.Metric:
        """Objects that the reconciler lists as not what they must be; it publishes in each of its runs."""
        return self._own("Unreconciled", service="processor", statistic="Maximum", period=FIFTEEN_MINUTES)

    def results_without_records(self) -> cloudwatch.Metric:
        """Messages of objects whose RESULT is older than replication takes, and whose records are not all here."""
        return self._own("ResultsWithoutRecords", service="processor", statistic="Sum")

    def shadow_copies_dropped(self) -> cloudwatch.Metric:
        """Messages that ended because a newer copy of them is on the queue."""
        return self._own("ShadowCopiesDropped", service="processor", statistic="Sum")

    def peer_unhealthy(self) -> cloudwatch.Metric:
        """1 in a minute in which this region's observer found the other region unhealthy, else 0."""
        return self._observed("PeerUnhealthy")

    def force_failover(self) -> cloudwatch.Metric:
        """1 in a minute in which a person sends clients here, whatever the other region's health, else 0."""
        return self._observed("ForceFailover")

    def canary_failed(self) -> cloudwatch.Metric:
        """1 in a minute in which the file that the observer uploaded was not processed in time, else 0."""
        return self._observed("CanaryFailed")

    def canaries_held(self) -> cloudwatch.Metric:
        """1 in a minute in which the observer sent no canary, since files do not replicate both ways yet."""
        return self._observed("CanariesHeld")

    def canary_seconds(self) -> cloudwatch.Metric:
        """Seconds from the observer's upload to its result."""
        return self._observed("CanarySeconds")

    def heartbeats(self) -> cloudwatch.Metric:
        """Runs of the observer that came to their end."""
        return self._observed("Heartbeats", statistic="Sum")

    def lww_conflicts(self) -> cloudwatch.Metric:
        """Hours whose rows changed although they are written once: the last writer won. Nothing where there are none."""
        return self._observed("LwwConflicts")

    def digest_mismatch(self) -> cloudwatch.Metric:
        """Hours whose results are not the same, or not as many, in both regions."""
        return self._observed("DigestMismatch", period=ROUND)

    def auto_promoted(self) -> cloudwatch.Metric:
        """1 in a minute in which this region's observer made it the active one."""
        return self._observed("AutoPromoted")

    def secret_versions_differ(self) -> cloudwatch.Metric:
        """1 in a round in which the two regions' current versions of the receipt secret were not the same, else nothing."""
        return self._observed("SecretVersionsDiffer", period=ROUND)

    def split_brain(self) -> cloudwatch.Metric:
        """1 in a minute in which both regions took themselves for the active one, else nothing."""
        return self._observed("SplitBrain")

    def malformed_control_rows(self) -> cloudwatch.Metric:
        """Control rows of this region's replica that are no sound claim, and so do not count."""
        return self._observed("MalformedControlRows")

    def trail_events(self) -> cloudwatch.Metric:
        """Log events that CloudTrail delivered; its home region alone has them."""
        return self._metric(
            "AWS/Logs",
            "IncomingLogEvents",
            {"LogGroupName": self.context.naming.log_group("audit")},
            statistic="Sum",
            period=HOUR,
        )

    def _queue(self, resource: str, metric: str) -> cloudwatch.Metric:
        return self._metric(
            "AWS/SQS",
            metric,
            {"QueueName": self.context.naming.queue(resource)},
            statistic="Maximum",
            period=MINUTE,
        )

    def _function(self, resource: str, metric: str, statistic: str) -> cloudwatch.Metric:
        return self._metric(
            "AWS/Lambda",
            metric,
            {"FunctionName": self.context.naming.function(resource)},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def _api(self, metric: str) -> cloudwatch.Metric:
        return self._metric("AWS/ApiGateway", metric, {"ApiId": self.api_id}, statistic="Sum", period=MINUTE)

    def _table(
        self, metric: str, dimensions: dict[str, str], *, period: Duration, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        table = {"TableName": self.context.naming.table("ledger")}
        return self._metric("AWS/DynamoDB", metric, table | dimensions, statistic=statistic, period=period)

    def _replication(self, metric: str, *, source: RegionContext, statistic: str) -> cloudwatch.Metric:
        dimensions = {
            "SourceBucket": self._ingest_bucket(source),
            "DestinationBucket": self._ingest_bucket(source.peer),
            "RuleId": RULE_ID,
        }
        return self._metric("AWS/S3", metric, dimensions, statistic=statistic, period=MINUTE)

    def _ingest_bucket(self, context: RegionContext) -> str:
        return context.naming.bucket_name("ingest", self.account, context.region)

    def _observed(self, metric: str, *, statistic: str = "Maximum", period: Duration = MINUTE) -> cloudwatch.Metric:
        return self._own(metric, service="observer", statistic=statistic, period=period)

    def _own(self, metric: str, *, service: str, statistic: str, period: Duration = MINUTE) -> cloudwatch.Metric:
        dimensions = {"service": service, "environment": self.context.settings.environment}
        return self._metric(METRICS_NAMESPACE, metric, dimensions, statistic=statistic, period=period)

    def _metric(
        self, namespace: str, name: str, dimensions: dict[str, str], *, statistic: str, period: Duration
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=period,
            region=self.context.region,
        )
