"""Measure the heartbeat's numbers from the region's own queues and metrics."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from handlers.observer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from mypy_boto3_sqs import SQSClient

NAMESPACE: Final = "Lockstep"
"""Namespace of the functions' metrics."""

_VISIBLE: Final = "ApproximateNumberOfMessages"
_DEPTH: Final = (_VISIBLE, "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible")
_MINUTE: Final = timedelta(minutes=1)
"""Period of the metrics."""
_WINDOW: Final = timedelta(minutes=5)
"""S3 and SQS publish their metrics minutes late."""

_NUMBERS: Final = 2
"""Newest numbers of S3 that count."""


@dataclass(frozen=True)
class Depth:
    """Numbers of messages in a queue."""

    messages: int
    """Waiting, delayed and in flight."""
    visible: int
    """Waiting to be received."""


@dataclass(frozen=True)
class Ages:
    """Numbers from CloudWatch; None for a metric without data."""

    shadow_age: float | None = None
    """Seconds since the oldest waiting message was first seen. One that has left since CloudWatch's numbers counts too."""
    replication_pending: float | None = None
    """The larger one of S3's newest two numbers: in a minute in which no canary was put, a file alone makes it 1."""


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

    def queue_depth(self) -> Depth:
        """Return the depth of the ingest queue."""
        return self._depth(self.settings.queue_url)

    def dead_letters(self) -> int:
        """Return the number of messages in the dead-letter queue."""
        return self._depth(self.settings.dead_letter_queue_url).messages

    def ages(self, now: float, depth: Depth | None) -> Ages:
        """Return CloudWatch's newest numbers of the last minutes.

        The age is the larger one of two metrics, because neither alone sees every message:

        * ShadowAge is of messages that were put back, not of those that wait to be received. So every minute counts in which
          a message was put back that may still be delayed.
        * SQS's own age begins anew when a message is put back, and leaves out what was received more than three times
          (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
          It counts while a message waits to be received. Of messages in flight it says nothing about a backlog: those of a
          function that ended with its region come back after the visibility timeout, half an hour later.

        Args:
            now: Epoch seconds.
            depth: Depth of the ingest queue; None if it is unknown. In an empty one no message has an age, and its metrics
                are not requested, because CloudWatch bills each metric (https://aws.amazon.com/cloudwatch/pricing/).
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
        on_its_way = max((value for _, value in self._newest_first(now, _WINDOW, pending)[:_NUMBERS]), default=None)
        if depth is not None and not depth.messages:
            return Ages(shadow_age=0.0, replication_pending=on_its_way)
        shadow = _query("shadow", NAMESPACE, "ShadowAge", service="processor", environment=settings.environment)
        queue = _query("queue", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=settings.queue_url.rsplit("/", 1)[-1])
        delay = timedelta(seconds=settings.shadow_delay_seconds)
        measured = self._newest_first(now, _WINDOW + delay, shadow)[: 2 + delay // _MINUTE]
        if depth is None or depth.visible or not measured:
            measured += self._newest_first(now, _WINDOW, queue)[:1]
        oldest = max((value + max(0.0, now - ended) for ended, value in measured), default=None)
        return Ages(shadow_age=oldest, replication_pending=on_its_way)

    def _depth(self, queue_url: str) -> Depth:
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_DEPTH))["Attributes"]
        return Depth(sum(int(attributes[name]) for name in _DEPTH), int(attributes[_VISIBLE]))

    def _newest_first(self, now: float, window: timedelta, query: "MetricDataQueryTypeDef") -> list[tuple[float, float]]:
        """Return a metric's finite values, newest first in whichever order they come, each with the end of its minute."""
        end = datetime.fromtimestamp(now, UTC)
        answer = self.cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime=end - window, EndTime=end, ScanBy="TimestampDescending"
        )
        dated = [
            ((at + _MINUTE).timestamp(), value)
            for result in answer["MetricDataResults"]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True)
        ]
        return sorted((one for one in dated if math.isfinite(one[1])), reverse=True)


def _query(name: str, namespace: str, metric: str, **dimensions: str) -> "MetricDataQueryTypeDef":
    pairs: Any = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": pairs},
            "Period": _MINUTE.seconds,
            "Stat": "Maximum",
        },
    }
