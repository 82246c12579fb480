"""Return the datapoints of GetMetricData in the order of ScanBy, with periods of the cloud's clock.

Faithful: the newest datapoint comes first, as without ScanBy, or the oldest with TimestampAscending; a period of a minute
takes the time factor's minute, as an alarm's does.
Different from AWS: everything is on one page, and there are no expressions.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.services import cloudwatch

from local_cloud.clock import clock

_ASCENDING: Final = "TimestampAscending"
_newest_first: Final[ContextVar[bool]] = ContextVar("newest_first", default=False)


def install() -> None:
    """Let the stock code sort its periods in the request's order."""
    stock = cloudwatch._get_metric_data

    def get(parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002  ministack's
        if is_cbor or is_json:
            order = data.get("ScanBy")
            data = data | {"MetricDataQueries": [_on_clock(one) for one in data["MetricDataQueries"]]}
        else:
            order = cloudwatch._p(parameters, "ScanBy")
            periods = {name: cloudwatch._p(parameters, name) for name in parameters if name.endswith(".MetricStat.Period")}
            parameters = {**parameters, **{name: [str(_seconds(text))] for name, text in periods.items()}}
        token = _newest_first.set(order != _ASCENDING)
        try:
            return stock(parameters, data, is_cbor, is_json)
        finally:
            _newest_first.reset(token)

    cloudwatch._get_metric_data = get
    cloudwatch.sorted = _sorted


def _on_clock(query: dict[str, Any]) -> dict[str, Any]:
    stat = query.get("MetricStat")
    return {**query, "MetricStat": {**stat, "Period": _seconds(stat["Period"])}} if stat else query


def _seconds(period: str | int) -> int:
    return max(1, int(clock.seconds(int(period))))


def _sorted(items: Any, **named: Any) -> list[Any]:  # noqa: ANN401  as the builtin
    """Replace `sorted` in ministack's module; the periods are the only mapping that it sorts for a response."""
    if isinstance(items, dict) and _newest_first.get():
        named = {**named, "reverse": True}
    return sorted(items, **named)
