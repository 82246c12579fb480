"""The processor's metrics, in CloudWatch's embedded metric format: no call, no endpoint, one log line an invocation."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


class Telemetry:
    """Counts; every metric carries the dimensions `service` and `environment`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def count(self, name: str, number: int = 1) -> None:
        """Add to a count."""
        self._metrics.add_metric(name, MetricUnit.Count, number)

    def shadow_age(self, seconds: float) -> None:
        """Note how long ago a message that waits was first seen."""
        self._metrics.add_metric("ShadowAge", MetricUnit.Seconds, round(seconds, 3))

    def object_seconds(self, seconds: float) -> None:
        """Note how long an object took from its first byte to its RESULT."""
        self._metrics.add_metric("ObjectDuration", MetricUnit.Seconds, round(seconds, 3))
