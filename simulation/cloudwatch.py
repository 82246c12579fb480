"""CloudWatch of a region: metrics as functions log them and services publish them, and alarms on them.

A function's metrics are lines of its log in the embedded metric format, from Powertools' own serializer. An execution
environment that crashes before it logs them loses them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from simulation.scheduler import Crash, Process, current_process

NAMESPACE: Final = "Lockstep"
"""Namespace of the functions' own metrics."""
_MINUTE: Final = 60
_FURTHER_PERIODS: Final = 2
"""Number of periods before its own in which an alarm searches for datapoints; AWS's documentation shows two.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"""
_BREACHES: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
_Metric = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name, and dimensions in order of their names."""
_Sums = tuple[float, float]
"""Sum and maximum."""


@dataclass(frozen=True)
class Alarm:
    """A metric alarm by CloudWatch's properties; `resource` is the word in its name, `seconds` the length of a period."""

    resource: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    comparison: str
    threshold: float
    periods: int = 1
    missing: str = "notBreaching"
    seconds: int = 60


class CloudWatch:
    """The metrics and alarms of a region.

    Attributes:
        states: State of each alarm that was ever evaluated, by the word in its name.
        rang: The alarms that were ever in ALARM.
    """

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.rang: set[str] = set()
        self._minutes: dict[_Metric, dict[int, _Sums]] = {}

    def put(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, now: float) -> None:
        """Add a datapoint."""
        minutes = self._minutes.setdefault((namespace, name, tuple(sorted(dimensions.items()))), {})
        total, highest = minutes.get(int(now // _MINUTE), (0.0, value))
        minutes[int(now // _MINUTE)] = total + value, max(highest, value)

    def take_log(self, line: Mapping[str, Any], now: float) -> None:
        """Add the metrics of a line in the embedded metric format."""
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: line[name] for name in names}
                for metric in directive["Metrics"]:
                    for value in line[metric["Name"]]:
                        self.put(directive["Namespace"], metric["Name"], dimensions, value, now)

    def value(self, metric: _Metric, statistic: str, *, ends_at: int, minutes: int) -> float | None:
        """Return a statistic of the `minutes` that end before the minute `ends_at`; None if they have no datapoint."""
        held = self._minutes.get(metric)
        if held is None:
            return None
        found = [held[minute] for minute in range(ends_at - minutes, ends_at) if minute in held]
        if not found:
            return None
        return sum(one[0] for one in found) if statistic == "Sum" else max(one[1] for one in found)

    def evaluate(self, alarms: tuple[Alarm, ...], now: float) -> list[tuple[str, str]]:
        """Evaluate alarms, as CloudWatch does every minute; return the name and the state of each that changed."""
        changed = []
        for alarm in alarms:
            before = self.states.get(alarm.resource, "INSUFFICIENT_DATA")
            after = self._judge(alarm, before, int(now // _MINUTE))
            if after != before:
                self.states[alarm.resource] = after
                changed.append((alarm.resource, after))
                if after == "ALARM":
                    self.rang.add(alarm.resource)
        return changed

    def _judge(self, alarm: Alarm, before: str, minute: int) -> str:
        """Return an alarm's state. An older datapoint of the range replaces a missing one.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        """
        metric, length = (alarm.namespace, alarm.metric, alarm.dimensions), alarm.seconds // _MINUTE
        values: list[float] = []
        if metric in self._minutes:
            for number in range(alarm.periods + _FURTHER_PERIODS):
                value = self.value(metric, alarm.statistic, ends_at=minute - number * length, minutes=length)
                if value is not None and len(values) < alarm.periods:
                    values.append(value)
        if not values:
            return {"breaching": "ALARM", "notBreaching": "OK"}.get(alarm.missing, before)
        breaching = sum(_BREACHES[alarm.comparison](value, alarm.threshold) for value in values)
        absent = alarm.periods - len(values)
        if breaching + (absent if alarm.missing == "breaching" else 0) >= alarm.periods:
            return "ALARM"
        return before if alarm.missing == "ignore" and absent and breaching == len(values) else "OK"


class Metrics:
    """A function's Powertools `Metrics`, separate for each of its execution environments."""

    def __init__(
        self, service: str, *, take: Callable[[Process, Mapping[str, Any]], None], is_read: Callable[[], bool]
    ) -> None:
        self._service, self._take, self._is_read = service, take, is_read
        self._providers: WeakKeyDictionary[Process, AmazonCloudWatchEMFProvider] = WeakKeyDictionary()

    @property
    def metric_set(self) -> dict[str, Any]:
        """The unlogged metrics of this execution environment."""
        return self._provider.metric_set if self._is_read() else {}

    def set_default_dimensions(self, **dimensions: str) -> None:
        """See Powertools."""
        if self._is_read():
            self._provider.dimension_set.update(dimensions)

    def add_metric(self, name: str, unit: str, value: float) -> None:
        """See Powertools."""
        if self._is_read():
            self._provider.add_metric(name, unit, value)

    def flush_metrics(self) -> None:
        """Log the added metrics, unless the execution environment crashes first."""
        process = current_process()
        if process is None or process.is_dead or isinstance(sys.exc_info()[1], Crash) or not self._is_read():
            return
        provider = self._provider
        if provider.metric_set:
            self._take(process, provider.serialize_metric_set())
            provider.metric_set.clear()

    @property
    def _provider(self) -> AmazonCloudWatchEMFProvider:
        process = current_process()
        provider = self._providers.get(process) if process else None
        if provider is None:
            provider = AmazonCloudWatchEMFProvider(service=self._service, namespace=NAMESPACE)
            if process:
                self._providers[process] = provider
        return provider


class CloudWatchClient:
    """A client of a region's CloudWatch."""

    def __init__(self, cloudwatch: CloudWatch, call: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._cloudwatch, self._call = cloudwatch, call

    def get_metric_data(self, *, MetricDataQueries: list[Any], StartTime: Any, EndTime: Any, **_: Any) -> Any:  # noqa: ANN401, N803
        """See GetMetricData; the newest datapoint comes first."""
        first, last = int(StartTime.timestamp() // _MINUTE), int(EndTime.timestamp() // _MINUTE)

        def read() -> dict[str, Any]:
            return {"MetricDataResults": [{"Id": one["Id"], **self._values(one, first, last)} for one in MetricDataQueries]}

        return self._call("cloudwatch:GetMetricData", read)

    def _values(self, query: dict[str, Any], first: int, last: int) -> dict[str, list[Any]]:
        stat = query["MetricStat"]
        held = stat["Metric"]
        dimensions = tuple(sorted((one["Name"], one["Value"]) for one in held["Dimensions"]))
        metric, minutes = (held["Namespace"], held["MetricName"], dimensions), stat["Period"] // _MINUTE
        ends = range(last, first, -minutes)
        values = {end: self._cloudwatch.value(metric, stat["Stat"], ends_at=end, minutes=minutes) for end in ends}
        held = {end: value for end, value in values.items() if value is not None}
        begins = [datetime.fromtimestamp((end - minutes) * _MINUTE, UTC) for end in held]
        return {"Timestamps": begins, "Values": list(held.values())}
