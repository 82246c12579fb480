"""The observer's metrics, in CloudWatch's embedded metric format: one log line for each run and no API call."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


class Telemetry:
    """Records metrics; each one carries the dimensions `service` and `environment`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def count(self, name: str, number: int = 1) -> None:
        """Record a count."""
        self._metrics.add_metric(name, MetricUnit.Count, number)

    def seconds(self, name: str, seconds: float) -> None:
        """Record a duration."""
        self._metrics.add_metric(name, MetricUnit.Seconds, round(seconds, 3))
