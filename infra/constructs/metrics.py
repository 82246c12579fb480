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
"""Seconds between two comparisons of digests and secrets by the observer."""
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
        """Seconds since the oldest message of the ingest queue was last sent to it."""
        return self._queue("ingest", "ApproximateAgeOfOldestMessage")

    def queue_depth(self) -> cloudwatch.Metric:
        """Number of messages that wait in the ingest queue."""
        return self._queue("ingest", "ApproximateNumberOfMessagesVisible")

    def dead_letters(self) -> cloudwatch.Metric:
        """Number of messages in the ingest queue's dead-letter queue."""
        return self._queue("ingest-dlq", "ApproximateNumberOfMessagesVisible")

    def async_dead_letters(self) -> cloudwatch.Metric:
        """Number of failed events: asynchronous invocations after all retries, and alarms that SNS could not deliver."""
        return self._queue("async-dlq", "ApproximateNumberOfMessagesVisible")

    def errors(self, function: str) -> cloudwatch.Metric:
        """Number of a function's invocations that ended in an exception, a timeout or a lack of memory."""
        return self._function(function, "Errors", "Sum")

    def throttles(self, function: str) -> cloudwatch.Metric:
        """Number of a function's invocations that Lambda throttled."""
        return self._function(function, "Throttles", "Sum")

    def duration(self, function: str) -> cloudwatch.Metric:
        """99th percentile of the duration of a function's invocations, in milliseconds."""
        return self._function(function, "Duration", "p99")

    def requests(self) -> cloudwatch.Metric:
        """Number of requests to the HTTP API."""
        return self._api("Count")

    def refusals(self) -> cloudwatch.Metric:
        """Number of requests that the HTTP API answered with a 4xx: throttled, unsigned or malformed."""
        return self._api("4xx")

    def server_errors(self) -> cloudwatch.Metric:
        """Number of requests that the HTTP API answered with a 5xx, including a failed `/ready`."""
        return self._api("5xx")

    def table_throttles(self, kind: str, index: str | None = None) -> cloudwatch.Metric:
        """Number of requests that DynamoDB throttled on the table itself or on one of its indexes.

        Args:
            kind: `Read` or `Write`.
            index: the index; None for the table.
        """
        dimensions = {"GlobalSecondaryIndexName": index} if index else {}
        return self._table(f"{kind}ThrottleEvents", dimensions, period=MINUTE)

    def table_errors(self, operation: str) -> cloudwatch.Metric:
        """Number of requests of one operation that failed with an error of DynamoDB."""
        return self._table("SystemErrors", {"Operation": operation}, period=MINUTE)

    def table_replication_latency(self) -> cloudwatch.Metric:
        """Milliseconds until a write to this region's replica appears in the other region's replica."""
        return self._table(
            "ReplicationLatency",
            {"ReceivingRegion": self.context.peer.region},
            statistic="Average",
            period=MINUTE,
        )

    def incoming_replication_latency(self) -> cloudwatch.Metric:
        """Seconds by which this region's ingest bucket is behind the other region's."""
        return self._replication("ReplicationLatency", source=self.context.peer, statistic="Maximum")

    def incoming_replication_pending(self) -> cloudwatch.Metric:
        """Number of operations of the other region's ingest bucket that have not arrived in this region's."""
        return self._replication("OperationsPendingReplication", source=self.context.peer, statistic="Maximum")

    def outgoing_replication_failed(self) -> cloudwatch.Metric:
        """Number of operations of this region's ingest bucket that S3 failed to replicate to the other region's."""
        return self._replication("OperationsFailedReplication", source=self.context, statistic="Sum")

    def shadow_age(self) -> cloudwatch.Metric:
        """Seconds since the oldest message that the shadow consumer put back was first seen."""
        return self._own("ShadowAge", service="processor", statistic="Maximum")

    def quarantined(self) -> cloudwatch.Metric:
        """Number of objects that the processor could not read."""
        return self._own("ObjectsQuarantined", service="processor", statistic="Sum")

    def postponed(self) -> cloudwatch.Metric:
        """Number of messages that the processor put back because earlier objects of the batch used up its time."""
        return self._own("MessagesPostponed", service="processor", statistic="Sum")

    def unreconciled(self) -> cloudwatch.Metric:
        """Number of the reconciler's open findings, which each of its runs publishes."""
        return self._own("Unreconciled", service="processor", statistic="Maximum", period=FIFTEEN_MINUTES)

    def results_without_records(self) -> cloudwatch.Metric:
        """Number of messages whose RESULT is older than replication takes while records are missing here."""
        return self._own("ResultsWithoutRecords", service="processor", statistic="Sum")

    def shadow_copies_dropped(self) -> cloudwatch.Metric:
        """Number of messages that were dropped because a newer copy is in the queue."""
        return self._own("ShadowCopiesDropped", service="processor", statistic="Sum")

    def peer_unhealthy(self) -> cloudwatch.Metric:
        """1 for each minute in which this region's observer found the other region unhealthy, otherwise 0."""
        return self._observed("PeerUnhealthy")

    def force_failover(self) -> cloudwatch.Metric:
        """1 for each minute in which an operator forces clients to this region, otherwise 0."""
        return self._observed("ForceFailover")

    def canary_failed(self) -> cloudwatch.Metric:
        """1 for each minute in which a canary was not processed in time, otherwise 0."""
        return self._observed("CanaryFailed")

    def canaries_held(self) -> cloudwatch.Metric:
        """1 for each minute in which the observer sent no canary, because files do not replicate both ways yet."""
        return self._observed("CanariesHeld")

    def canary_seconds(self) -> cloudwatch.Metric:
        """Seconds from a canary's upload to its result."""
        return self._observed("CanarySeconds")

    def heartbeats(self) -> cloudwatch.Metric:
        """Number of completed runs of the observer."""
        return self._observed("Heartbeats", statistic="Sum")

    def lww_conflicts(self) -> cloudwatch.Metric:
        """Number of hours with write-once rows that changed, because the last writer won; no datapoint without any."""
        return self._observed("LwwConflicts")

    def digest_mismatch(self) -> cloudwatch.Metric:
        """Number of hours whose results differ between the two regions."""
        return self._observed("DigestMismatch", period=ROUND)

    def auto_promoted(self) -> cloudwatch.Metric:
        """1 for each minute in which this region's observer promoted it."""
        return self._observed("AutoPromoted")

    def secret_versions_differ(self) -> cloudwatch.Metric:
        """1 for each round in which the two regions' versions of the receipt secret differed; otherwise no datapoint."""
        return self._observed("SecretVersionsDiffer", period=ROUND)

    def split_brain(self) -> cloudwatch.Metric:
        """1 for each minute in which both regions acted as the active one; otherwise no datapoint."""
        return self._observed("SplitBrain")

    def malformed_control_rows(self) -> cloudwatch.Metric:
        """Number of malformed control rows in this region's replica, which are ignored."""
        return self._observed("MalformedControlRows")

    def trail_events(self) -> cloudwatch.Metric:
        """Number of log events that CloudTrail delivered; only its home region has them."""
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
