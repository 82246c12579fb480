"""An alarm can fire: on the bad side of its threshold, at a reachable value, and in time."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.alarms import ALARM
from compliance.aws.dead_letters import DEFAULT_RETENTION, QUEUE
from compliance.aws.event_sources import FUNCTION
from compliance.aws.metrics import AGENT_NAMESPACES, AVERAGED, BAD_WHEN_HIGH, COUNTS, SILENT_LOSS, Metric, metrics_of
from compliance.aws.systems import keeps_data_in_several
from compliance.cfn.arns import find
from compliance.cfn.reading import branches, require_list, require_mapping, require_number, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_LATEST: Final = 7200
"""Seconds. Operators decide on a failover long before a later alarm."""
_RARE: Final = frozenset({"BucketSizeBytes", "EstimatedCharges", "NumberOfObjects"})
"""Metrics that AWS publishes every few hours or once a day."""
_LONGEST: Final = 86_400
"""Seconds: EvaluationPeriods times Period, where a period is shorter than an hour."""
_STANDARD: Final = 60
"""Seconds. AWS publishes its own metrics no more often."""
_DEFAULT_TIMEOUT: Final = 3
_GREATER: Final = "Greater"
_LESS: Final = "Less"
_UNREACHABLE: Final = 10_000_000
"""More failures, seconds or milliseconds than two hours hold, the longest time in which an alarm must fire."""
_HIGH_PERCENTILE: Final = re.compile(r"p(9\d(\.\d+)?|100)")
_FEW: Final = "EvaluateLowSampleCountPercentile"
_PROMISED: Final = 900
"""Seconds: what S3 Replication Time Control promises."""


def _violations(alarm: Resource, world: TemplateSet) -> Iterator[str]:
    comparison = require_text(alarm.properties.get("ComparisonOperator"), "ComparisonOperator") or ""
    threshold = require_number(alarm.properties.get("Threshold"), "Threshold")
    metrics = list(metrics_of(alarm))
    yield from _of_what_is_missing(alarm, metrics)
    yield from _of_unit(alarm)
    yield from _of_time(alarm, metrics)
    if comparison.startswith(_LESS) and not comparison.endswith("UpperThreshold"):
        yield from _of_silence(alarm)
    if threshold is not None:
        yield from _of_reach(threshold, comparison, metrics)
    for metric in metrics if len(metrics) == 1 else ():
        if (metric.namespace, metric.name) not in BAD_WHEN_HIGH:
            if comparison.startswith(_GREATER) and _is_of_the_system(metric) and keeps_data_in_several(world):
                yield from _of_statistic(metric, threshold)
            continue
        if not comparison.startswith(_GREATER):
            yield f"{metric.name} is bad when it is high, and ComparisonOperator is {comparison or 'not set'}"
            continue
        yield from _of_statistic(metric, threshold)
        if threshold is not None:
            yield from _of_bound(metric, threshold, comparison, alarm, world)


def _of_what_is_missing(alarm: Resource, metrics: list[Metric]) -> Iterator[str]:
    given = alarm.properties
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if is_absent(given.get(name)):
            yield f"{name} is not set"
    if is_absent(given.get("Threshold")) and is_absent(given.get("ThresholdMetricId")):
        yield "Threshold is not set"
    if require_text(given.get(_FEW), _FEW) == "ignore":
        yield f"{_FEW} is ignore, so the alarm keeps its state while there are few samples; leave it out"
    for metric in metrics:
        if not metric.namespace:
            yield f"{metric.name} has no Namespace"
        if metric.period is None:
            yield f"{metric.name} has no Period"


def _of_unit(alarm: Resource) -> Iterator[str]:
    queries = [require_mapping(query, "Metrics") for query in require_list(alarm.properties.get("Metrics"), "Metrics")]
    for settings in (alarm.properties, *(require_mapping(query.get("MetricStat"), "MetricStat") for query in queries)):
        if not is_absent(settings.get("Unit")):
            yield (
                f"Unit is {describe(settings['Unit'])}, and the alarm sees only what was published with just that unit; "
                "leave it out"
            )


def _of_time(alarm: Resource, metrics: list[Metric]) -> Iterator[str]:
    periods = require_number(alarm.properties.get("EvaluationPeriods"), "EvaluationPeriods") or 1
    points = require_number(alarm.properties.get("DatapointsToAlarm"), "DatapointsToAlarm")
    if points is not None and points > periods:
        yield f"DatapointsToAlarm is {points:g} of {periods:g} EvaluationPeriods, so it never fires"
    for metric in metrics:
        if metric.statistic is None:
            yield f"it has no statistic of {metric.name}"
        if metric.period is None:
            continue
        if metric.namespace.startswith("AWS/") and metric.period < _STANDARD:
            yield f"Period is {metric.period:g} s, and AWS publishes {metric.name} every {_STANDARD} s: most are empty"
        if metric.period * periods > _LONGEST:
            yield f"it looks back for {metric.period * periods:g} s; CloudWatch takes {_LONGEST} at most"
        if metric.period * (points or periods) > _LATEST and metric.name not in _RARE:
            yield f"it takes {metric.period * (points or periods):g} s to fire; it must be {_LATEST} s or less"


def _of_silence(alarm: Resource) -> Iterator[str]:
    """Yield a violation of an alarm on a low value that does not fire on missing data."""
    if require_text(alarm.properties.get("TreatMissingData"), "TreatMissingData") != "breaching":
        yield "it fires on a low value, and TreatMissingData is not breaching: it does not fire when no data arrives"


def _of_reach(threshold: float, comparison: str, metrics: list[Metric]) -> Iterator[str]:
    """Yield a violation for a threshold that no count, age or latency passes."""
    if comparison.startswith(_GREATER) and threshold > _UNREACHABLE and not any(_is_size(metric) for metric in metrics):
        yield f"Threshold is {threshold:g}, which no count, age or latency reaches"
    if comparison == "LessThanThreshold" and threshold <= 0 and metrics:
        yield f"Threshold is {threshold:g}, and no metric is less; use LessThanOrEqualToThreshold, or a higher one"


def _is_size(metric: Metric) -> bool:
    return re.search(r"byte|size|storage|memory", metric.name, re.IGNORECASE) is not None


def _of_bound(metric: Metric, threshold: float, comparison: str, alarm: Resource, world: TemplateSet) -> Iterator[str]:
    first = threshold if "OrEqual" in comparison else threshold + 1
    if (metric.namespace, metric.name) in SILENT_LOSS and first > 1:
        yield f"{metric.name} counts what is lost for good, and the alarm waits for {first:g}; let it fire at one"
    limit = _limit(metric, alarm, world)
    if limit is not None and (first if metric.name == "Duration" else threshold) > limit[0]:
        yield f"Threshold is {threshold:g}, and {limit[1]} {limit[0]:g}: it fires too late, or never"


def _of_statistic(metric: Metric, threshold: float | None) -> Iterator[str]:
    """Yield a violation for a statistic in which many good values hide the bad ones."""
    found, is_count = metric.statistic, (metric.namespace, metric.name) in COUNTS
    if found is None or (found == "Average" and (metric.namespace, metric.name) in AVERAGED):
        return
    is_rate = is_count and found == "Average" and threshold is not None and threshold < 1
    is_high = found == "Maximum" or _HIGH_PERCENTILE.fullmatch(found) is not None
    allowed = (found == "Sum" or is_rate) if is_count else is_high or (found == "Sum" and _is_of_the_system(metric))
    if not allowed:
        yield (
            f"the statistic of {metric.name} is {found}, in which many good values hide a bad one; use "
            f"{'Sum' if is_count else 'Maximum, or p90 and above'}"
        )


def _is_of_the_system(metric: Metric) -> bool:
    """Return whether the system publishes the metric itself."""
    return not metric.namespace.startswith("AWS/") and metric.namespace not in AGENT_NAMESPACES


def _limit(metric: Metric, alarm: Resource, world: TemplateSet) -> tuple[float, str] | None:
    """Return what the metric cannot pass, or must not, and the words for it."""
    match metric.namespace, metric.name:
        case "AWS/SQS", "ApproximateAgeOfOldestMessage":
            queue = _resource(metric, "QueueName", QUEUE, alarm, world)
            kept = _settings(queue, "MessageRetentionPeriod", DEFAULT_RETENTION)
            return (min(kept) / 2, "half of the queue's retention is") if kept else None
        case "AWS/Lambda", "Duration":
            limits = _settings(_resource(metric, "FunctionName", FUNCTION, alarm, world), "Timeout", _DEFAULT_TIMEOUT)
            return (1000 * min(limits), "the function's timeout is") if limits else None
        case "AWS/S3", "ReplicationLatency":
            return _PROMISED, "Replication Time Control promises"
    return None


def _resource(metric: Metric, dimension: str, kind: str, alarm: Resource, world: TemplateSet) -> Resource | None:
    value = metric.dimensions.get(dimension)
    return None if is_absent(value) else find(value, alarm.template, world, kind)


def _settings(resource: Resource | None, name: str, default: float) -> list[float]:
    """Return a setting of a resource in each of its versions; empty where the world does not hold it."""
    versions = branches(resource.properties) if resource is not None else ()
    return [require_number(each.get(name), name) or default for each in versions]


RULE = Rule(
    title="An alarm compares in the right direction, with a reachable threshold, within two hours",
    why=(
        "An alarm that compares in the wrong direction, needs more data points than it evaluates, or has an unreachable "
        "threshold stays OK in an outage. Nothing else shows that it cannot fire."
    ),
    fix=(
        "Use a Greater… comparison for errors, ages and latencies, keep DatapointsToAlarm within EvaluationPeriods and "
        "their time within two hours, and the threshold below what the resource can reach."
    ),
    judge=rule_from(_violations, ALARM),
    controls=nist("AU-6(1)", "CA-7", "IR-4(1)", "SI-4", "SI-4(5)") + hipaa("164.308(a)(6)(ii)", "164.312(b)") + pci("10.6"),
)
