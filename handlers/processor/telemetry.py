"""The processor's metrics, in CloudWatch's embedded metric format: one log line for each invocation and no API call."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


class Telemetry:
    """Records metrics; each one carries the dimensions `service` and `environment`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def count(self, name: str, number: int = 1) -> None:
        """Add a number to a count."""
        self._metrics.add_metric(name, MetricUnit.Count, number)

    def shadow_age(self, seconds: float) -> None:
        """Record the seconds since a waiting message was first seen, or since the active region's last checkpoint of it."""
        self._metrics.add_metric("ShadowAge", MetricUnit.Seconds, round(seconds, 3))

    def object_seconds(self, seconds: float) -> None:
        """Record the seconds from an object's first byte to its RESULT."""
        self._metrics.add_metric("ObjectDuration", MetricUnit.Seconds, round(seconds, 3))
