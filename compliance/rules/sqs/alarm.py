"""A dead-letter queue has an alarm that fires at the first message."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.dead_letters import QUEUE, is_dead_letter_queue, is_same
from compliance.cfn.arns import find, text_of
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_bool, require_list, require_mapping, require_number
from compliance.cfn.references import is_there_with, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_METRIC: Final = "ApproximateNumberOfMessagesVisible"
_SHOWS_ONE: Final = frozenset({"Maximum", "Average", "Sum"})
"""The statistics that one message changes."""
_MOST_SECONDS: Final = 900
"""From the first dead letter to the alarm."""
_DEFAULT_PERIOD: Final = 300


def _violations(queue: Resource, world: TemplateSet) -> Iterator[str]:
    found: list[str] = []
    unclear: list[str] = []
    for alarm in _alarms_on_queues(world):
        if alarm.template.region != queue.template.region:
            continue
        try:
            problems = _problems(alarm, queue, world)
        except UnresolvedError as error:
            unclear.append(f"{alarm.path}: {error}")
            continue
        if problems == []:
            return
        found += problems or []
    if unclear and not found:
        raise UnresolvedError("; ".join(unclear))
    yield "; ".join([f"no alarm of its region fires at the first message in it ({_METRIC})", *found])


@cached
def _alarms_on_queues(world: TemplateSet) -> list[Resource]:
    """Return the alarms on any queue's length, and those that cannot be read."""
    return [alarm for alarm in of_type(world, "AWS::CloudWatch::Alarm") if _may_be_on_a_queue(alarm)]


def _may_be_on_a_queue(alarm: Resource) -> bool:
    try:
        metrics = [_metric(version) for version in branches(alarm.properties)]
    except UnresolvedError:
        return True
    return any(metric.get("Namespace") == "AWS/SQS" and metric.get("MetricName") == _METRIC for metric in metrics)


def _problems(alarm: Resource, queue: Resource, world: TemplateSet) -> list[str] | None:
    """Return what keeps the alarm from firing; None if it is not about the queue."""
    versions = [_alarm_on(version, alarm, queue, world) for version in branches(alarm.properties)]
    if not any(version is not None for version in versions):
        return None
    problems = [
        problem for version in versions for problem in (version if version is not None else ["watches it sometimes"])
    ]
    if not is_there_with(alarm, queue):
        problems.append("is there on a condition")
    return [f"{alarm.path} {problem}" for problem in dict.fromkeys(problems)]


def _alarm_on(version: Mapping[str, Json], alarm: Resource, queue: Resource, world: TemplateSet) -> list[str] | None:
    metric = _metric(version)
    if (
        metric.get("Namespace") != "AWS/SQS"
        or metric.get("MetricName") != _METRIC
        or not _is_of(metric, alarm, queue, world)
    ):
        return None
    problems = []
    if metric.get("Statistic") not in _SHOWS_ONE:
        problems.append(f"looks at {metric.get('Statistic')}, which one message does not change")
    if not _fires_at_one(version):
        problems.append("does not fire at one message")
    seconds = (require_number(metric.get("Period"), "Period") or _DEFAULT_PERIOD) * (
        require_number(version.get("EvaluationPeriods"), "EvaluationPeriods") or 1
    )
    if seconds > _MOST_SECONDS:
        problems.append(f"takes {seconds:.0f} s to fire; it must be {_MOST_SECONDS} s or less")
    if not require_list(version.get("AlarmActions"), "AlarmActions"):
        problems.append("notifies nobody: it has no AlarmActions")
    if not require_bool(version.get("ActionsEnabled"), "ActionsEnabled", default=True):
        problems.append("notifies nobody: ActionsEnabled is false")
    return problems


def _metric(alarm: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the alarm's metric, in whichever of two ways it is written; a formula of several is none."""
    if "MetricName" in alarm:
        return alarm
    queries = [require_mapping(query, "Metrics") for query in require_list(alarm.get("Metrics"), "Metrics")]
    if len(queries) != 1:
        return {}
    stat = require_mapping(queries[0].get("MetricStat"), "MetricStat")
    return {"Statistic": stat.get("Stat"), "Period": stat.get("Period"), **require_mapping(stat.get("Metric"), "Metric")}


def _is_of(metric: Mapping[str, Json], alarm: Resource, queue: Resource, world: TemplateSet) -> bool:
    for dimension in require_list(metric.get("Dimensions"), "Dimensions"):
        each = require_mapping(dimension, "Dimensions")
        if each.get("Name") != "QueueName":
            continue
        target = find(each.get("Value"), alarm.template, world, QUEUE)
        if target is None:
            text_of(each.get("Value"), alarm.template, world)  # A queue elsewhere has a name; what has none may be this one.
        elif is_same(target, queue):
            return True
    return False


def _fires_at_one(alarm: Mapping[str, Json]) -> bool:
    threshold = require_number(alarm.get("Threshold"), "Threshold")
    if threshold is None:
        return False
    match alarm.get("ComparisonOperator"):
        case "GreaterThanOrEqualToThreshold":
            return 0 < threshold <= 1
        case "GreaterThanThreshold":
            return 0 <= threshold < 1
    return False


RULE = Rule(
    title="Every dead-letter queue has an alarm in its region that fires at the first message and has an action",
    why=(
        "A dead letter is an upload that was acknowledged. Without an alarm it is found when the client asks, or it expires."
    ),
    fix=f"Add an AWS::CloudWatch::Alarm on {_METRIC} of the queue: Maximum >= 1, with AlarmActions.",
    judge=rule_from(_violations, QUEUE, applies=is_dead_letter_queue),
    controls=nist("AU-6(1)", "IR-4", "IR-6", "SI-4", "SI-11") + hipaa("164.308(a)(6)(ii)", "164.312(b)") + pci("10.6.1"),
)
