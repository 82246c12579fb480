"""The observer's metrics, in CloudWatch's embedded metric format: no call, no endpoint, one log line a run."""

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit


class Telemetry:
    """Counts and measures; every metric carries the dimensions `service` and `environment`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def count(self, name: str, number: int = 1) -> None:
        """Note a count."""
        self._metrics.add_metric(name, MetricUnit.Count, number)

    def seconds(self, name: str, seconds: float) -> None:
        """Note a time."""
        self._metrics.add_metric(name, MetricUnit.Seconds, round(seconds, 3))
