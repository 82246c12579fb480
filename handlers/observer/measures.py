"""Measure the heartbeat's numbers from the region's own queues and metrics."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from handlers.observer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef
    from mypy_boto3_sqs import SQSClient

NAMESPACE: Final = "Lockstep"
"""Namespace of the functions' metrics."""

_DEPTH: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_WINDOW: Final = timedelta(minutes=5)
"""S3 and SQS publish their metrics minutes late."""


@dataclass(frozen=True)
class Ages:
    """Numbers from CloudWatch; None for a metric without data."""

    shadow_age: float | None = None
    """Seconds since the oldest message that the shadow consumer put back was first seen."""
    queue_age: float | None = None
    """Seconds since the oldest message was last sent to the ingest queue; not requested if `shadow_age` has a value."""
    replication_pending: float | None = None


@dataclass(frozen=True)
class Measures:
    """Measures the queues and the replication of this region.

    Attributes:
        settings: Names of the queues, the buckets and the replication rule.
        sqs: A client of this region.
        cloudwatch: A client of this region.
    """

    settings: Settings
    sqs: "SQSClient"
    cloudwatch: "CloudWatchClient"

    def queue_depth(self) -> int:
        """Return the number of messages in the ingest queue: waiting, delayed and in flight."""
        return self._depth(self.settings.queue_url)

    def dead_letters(self) -> int:
        """Return the number of messages in the dead-letter queue."""
        return self._depth(self.settings.dead_letter_queue_url)

    def ages(self, now: float, *, is_empty: bool) -> Ages:
        """Return CloudWatch's newest numbers of the last minutes.

        Args:
            now: Epoch seconds.
            is_empty: Whether the ingest queue is known to be empty. Then no message has an age, and its metric is not
                requested, because CloudWatch bills each metric (https://aws.amazon.com/cloudwatch/pricing/).
        """
        settings = self.settings
        pending = _query(
            "pending",
            "AWS/S3",
            "OperationsPendingReplication",  # S3 publishes it in the destination's region
            SourceBucket=settings.peer_ingest_bucket,
            DestinationBucket=settings.ingest_bucket,
            RuleId=settings.replication_rule_id,
        )
        if is_empty:
            return Ages(replication_pending=self._newest(now, pending)["pending"])
        shadow = _query("shadow", NAMESPACE, "ShadowAge", service="processor", environment=settings.environment)
        newest = self._newest(now, pending, shadow)
        if newest["shadow"] is None:
            name = settings.queue_url.rsplit("/", 1)[-1]
            newest |= self._newest(now, _query("queue", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=name))
        return Ages(shadow_age=newest["shadow"], queue_age=newest.get("queue"), replication_pending=newest["pending"])

    def _depth(self, queue_url: str) -> int:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_DEPTH))["Attributes"]
        return sum(int(attributes[name]) for name in _DEPTH)

    def _newest(self, now: float, *queries: "MetricDataQueryTypeDef") -> dict[str, float | None]:
        end = datetime.fromtimestamp(now, UTC)
        answer = self.cloudwatch.get_metric_data(
            MetricDataQueries=queries, StartTime=end - _WINDOW, EndTime=end, ScanBy="TimestampDescending"
        )
        found = {result["Id"]: _newest(result) for result in answer["MetricDataResults"]}
        return {query["Id"]: found.get(query["Id"]) for query in queries}


def shadow_age(depth: int | None, ages: Ages) -> float | None:
    """Return the age of the oldest waiting message in seconds; None if it is unknown.

    The shadow consumer's measure comes first, because a put-back resets SQS's own age. Without it, SQS's age counts.
    """
    if depth == 0:
        return 0.0
    return ages.shadow_age if ages.shadow_age is not None else ages.queue_age


def _query(name: str, namespace: str, metric: str, **dimensions: str) -> "MetricDataQueryTypeDef":
    pairs: Any = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": pairs},
            "Period": 60,
            "Stat": "Maximum",
        },
    }


def _newest(result: "MetricDataResultTypeDef") -> float | None:
    """Return the newest value, in whichever order they come; None if there is none or it is not finite."""
    dated = zip(result.get("Timestamps", ()), result["Values"], strict=False)
    value = max(dated, key=itemgetter(0), default=(None, math.nan))[1]
    return value if math.isfinite(value) else None
