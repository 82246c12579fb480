"""CloudWatch alarms: their own dimensions, missing data, M out of N, metric math; and composite alarms.

Faithful: an alarm reads only the metric with exactly its dimensions, one statistic for each period, and fires
when DatapointsToAlarm of EvaluationPeriods breach; where a datapoint is missing, an older one of the evaluation range stands
in, and TreatMissingData, in its four forms, fills what is still missing, except for metrics of DynamoDB, whose missing data
is always ignored; metric math (see `metric_math`); alarms are evaluated every second, not only when CloudWatch is called;
composite alarms with their actions suppressor.
Different from AWS: periods end now instead of on the minute, so an alarm fires within two seconds of its data;
anomaly detection and SEARCH are refused; a suppressor's waiting and extension periods are stored without effect.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local_cloud.clock import clock
from local_cloud.shims import _api, _templates, metric_math
from local_cloud.shims._api import truthful

_BREACHES: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_FURTHER_PERIODS: Final = 2
"""Number of periods in the evaluation range beyond the alarm's: CloudWatch's documentation shows three and five."""
_DISORDER_SECONDS: Final = 600
_MATH_ONLY: Final = ("Metrics", "EvaluateLowSampleCountPercentile")
_SUPPRESSOR: Final = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


def install() -> None:
    """Replace the evaluation of alarms, keep metric math, and add the composite type."""
    cloudwatch._evaluate_alarm = _evaluate
    _keep_metric_math()
    _keep_suppressor()
    _suppress_actions()
    _templates.define(
        "AWS::CloudWatch::CompositeAlarm", create=_create_composite, update=_put_composite, delete=_delete_composite
    )


def _evaluate(alarm: dict[str, Any]) -> None:
    """Set the alarm's state from its data."""
    series = _series(alarm)
    if series is None:
        return
    state, reason = _judge(alarm, series)
    if state == alarm["StateValue"]:
        return
    before = alarm["StateValue"]
    now = time.time()
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=now, StateTransitionedTimestamp=now)
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _series(alarm: dict[str, Any]) -> metric_math.Series | None:
    """Return the alarm's value in each period of its evaluation range, the newest first; None without a metric."""
    windows = _periods(alarm) + _FURTHER_PERIODS
    if queries := alarm.get("Metrics"):
        return _math_series(queries, windows)
    if not alarm.get("MetricName"):
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return _metric_series(alarm, alarm.get("Dimensions") or [], statistic, alarm.get("Period", 60), windows)


def _math_series(queries: list[dict[str, Any]], windows: int) -> metric_math.Series:
    values: dict[str, metric_math.Series] = {}
    for query in (query for query in queries if "MetricStat" in query):
        stat = query["MetricStat"]
        values[query["Id"]] = _metric_series(
            stat["Metric"], stat["Metric"].get("Dimensions") or [], stat["Stat"], int(stat["Period"]), windows
        )
    waiting = [query for query in queries if "Expression" in query]
    # An expression may name another one, given before or after it.
    while waiting:
        ready = [query for query in waiting if not _names(query, {other["Id"] for other in waiting})]
        for query in ready or waiting:
            values[query["Id"]] = metric_math.evaluate(query["Expression"], values, windows)
            waiting.remove(query)
    returned = [query["Id"] for query in queries if _returns(query)]
    return values[returned[0] if returned else queries[0]["Id"]]


def _names(query: dict[str, Any], identities: set[str]) -> bool:
    words = set("".join(letter if letter.isalnum() or letter == "_" else " " for letter in query["Expression"]).split())
    return bool(words & (identities - {query["Id"]}))


def _returns(query: dict[str, Any]) -> bool:
    return bool(truthful(query, "ReturnData").get("ReturnData", True))


def _metric_series(
    metric: dict[str, Any], dimensions: list[dict[str, str]], statistic: str, period: int, windows: int
) -> metric_math.Series:
    names = {entry["Name"]: entry["Value"] for entry in dimensions}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(names))
    now = time.time()
    length = clock.seconds(period)
    series: metric_math.Series = []
    points = _recent(cloudwatch._metrics.get(key) or [], now - windows * length)
    for window in range(windows):
        newest, oldest = now - window * length, now - (window + 1) * length
        inside = [point for point in points if oldest < point["Timestamp"] <= newest]
        series.append(cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside) if inside else None)
    return series


def _recent(points: list[dict[str, Any]], since: float) -> list[dict[str, Any]]:
    """Return the points since a time. They are nearly in order, so the search ends a little before that time."""
    found: list[dict[str, Any]] = []
    for point in reversed(points):
        if point["Timestamp"] < since - _DISORDER_SECONDS:
            break
        found.append(point)
    return found


def is_breaching(alarm: dict[str, Any]) -> bool | None:
    """Return whether the alarm's data breaches, in any state and with any treatment of missing data; None without data."""
    series = _series(alarm)
    if series is None or all(value is None for value in series):
        return None
    return _breaches(alarm, _newest(alarm, series)) >= _needed(alarm)


def _judge(alarm: dict[str, Any], series: metric_math.Series) -> tuple[str, str]:
    """Return the state and its reason."""
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    ignored = alarm.get("Namespace") == "AWS/DynamoDB"
    missing, needed = "ignore" if ignored else alarm.get("TreatMissingData") or "missing", _needed(alarm)
    present = _newest(alarm, series)
    if not present:
        state = {"breaching": "ALARM", "notBreaching": "OK", "ignore": alarm["StateValue"]}.get(missing, "INSUFFICIENT_DATA")
        return (
            state,
            f"Threshold Crossed: no datapoints were received for {len(series)} periods and missing data is {missing}",
        )
    breaching, absent = _breaches(alarm, present), _periods(alarm) - len(present)
    if breaching >= needed or (missing == "breaching" and breaching + absent >= needed):
        state = "ALARM"
    elif breaching == len(present) and absent and missing in ("missing", "ignore"):
        # All datapoints breach, but they are too few: the alarm neither fires nor ends.
        state = alarm["StateValue"] if missing == "ignore" else _of_long_breach(series, needed)
    else:
        state = "OK"
    return state, (
        f"Threshold Crossed: {breaching} of the last {len(present)} datapoints {present} were "
        f"{alarm['ComparisonOperator']} {alarm['Threshold']} (minimum {needed} datapoints for OK -> ALARM transition)."
    )


def _of_long_breach(series: metric_math.Series, needed: int) -> str:
    """Return ALARM if the oldest datapoint is as old as the number of datapoints that an alarm needs."""
    oldest = max(age for age, value in enumerate(series, start=1) if value is not None)
    return "ALARM" if oldest >= needed else "OK"


def _newest(alarm: dict[str, Any], series: metric_math.Series) -> list[float]:
    """Return the newest datapoints, one for each of the alarm's periods; an older one replaces a missing one."""
    return [value for value in series if value is not None][: _periods(alarm)]


def _breaches(alarm: dict[str, Any], values: list[float]) -> int:
    breaches = _BREACHES[alarm["ComparisonOperator"]]
    return sum(breaches(value, alarm["Threshold"]) for value in values)


def _needed(alarm: dict[str, Any]) -> int:
    return int(alarm.get("DatapointsToAlarm") or _periods(alarm))


def _periods(alarm: dict[str, Any]) -> int:
    return int(alarm.get("EvaluationPeriods") or 1)


def _keep_metric_math() -> None:
    """Keep metric math, which the stock PutMetricAlarm drops and the stock provisioner refuses."""
    stock_record, stock_put = provisioners._cw_metric_alarm_record, cloudwatch._put_metric_alarm

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        queries = properties.get("Metrics")
        if not queries:
            alarm: dict[str, Any] = stock_record(name, properties)
            return alarm
        _check_math(queries)
        rest = {key: value for key, value in properties.items() if key not in _MATH_ONLY}
        alarm = stock_record(name, {**rest, "MetricName": "-", "Namespace": "-"})
        return _with_math(alarm, queries)

    def put(parameters: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
        if not data.get("Metrics"):
            return stock_put(parameters, data, is_cbor, is_json)
        _check_math(data["Metrics"])
        answer = stock_put(parameters, data, is_cbor, is_json)
        if data["AlarmName"] in cloudwatch._alarms:
            _with_math(cloudwatch._alarms[data["AlarmName"]], data["Metrics"])
        return answer

    provisioners._cw_metric_alarm_record = record
    cloudwatch._put_metric_alarm = put


def _check_math(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        if "Expression" in query:
            metric_math.check(query["Expression"])


def _with_math(alarm: dict[str, Any], queries: list[dict[str, Any]]) -> dict[str, Any]:
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit"):
        alarm.pop(name, None)
    alarm["Dimensions"] = []
    alarm["Metrics"] = [truthful(query, "ReturnData") for query in queries]
    return alarm


def _keep_suppressor() -> None:
    stock = cloudwatch._put_composite_alarm

    def put(parameters: Any, data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
        answer = stock(parameters, data, is_cbor, is_json)
        record = cloudwatch._composite_alarms.get(data.get("AlarmName", ""))
        if record is not None:
            record.update({name: data[name] for name in _SUPPRESSOR if name in data})
        return answer

    cloudwatch._put_composite_alarm = put


def _suppress_actions() -> None:
    """Let a composite alarm whose suppressor is in ALARM change its state without actions."""
    stock = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm: dict[str, Any], before: str, after: str, reason: str) -> None:
        if suppressor := alarm.get("ActionsSuppressor"):
            name = suppressor.rpartition(":alarm:")[2]
            child = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
            if child and child["StateValue"] == "ALARM":
                return
        stock(alarm, before, after, reason)

    cloudwatch._dispatch_alarm_actions = dispatch


def _create_composite(alarm: _templates.Resource) -> tuple[str, _templates.Attributes]:
    name = alarm.properties.get("AlarmName") or alarm.generated_name()
    return name, _put(name, alarm)


def _put_composite(alarm: _templates.Resource) -> _templates.Attributes:
    return _put(alarm.physical_id, alarm)


def _put(name: str, alarm: _templates.Resource) -> _templates.Attributes:
    client = _api.client("cloudwatch")
    values = truthful(alarm.properties, "ActionsEnabled")
    given = {key: value for key, value in values.items() if key not in ("AlarmName", "Tags")}
    given |= {key: int(given[key]) for key in _SUPPRESSOR[1:] if key in given}
    client.put_composite_alarm(AlarmName=name, **given)
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
    stale = {tag["Key"] for tag in alarm.previous.get("Tags", [])} - {tag["Key"] for tag in alarm.properties.get("Tags", [])}
    if stale:
        client.untag_resource(ResourceARN=arn, TagKeys=sorted(stale))
    if alarm.properties.get("Tags"):
        client.tag_resource(ResourceARN=arn, Tags=alarm.properties["Tags"])
    return {"Arn": arn}


def _delete_composite(name: str, _properties: _templates.Properties) -> None:
    _api.client("cloudwatch").delete_alarms(AlarmNames=[name])
