"""Publish AWS/Lambda metrics of each invocation, its log if its role may write, and the metrics in the log.

Faithful: Invocations, Errors and Duration of every invocation of any kind; log events only if the role may
`logs:PutLogEvents` (and may create the group if it does not exist); embedded metric format lines become metrics.
Different from AWS: logs appear after the invocation has ended; ConcurrentExecutions, IteratorAge and AsyncEventAge
are not published; X-Ray gets no segments.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

from local_cloud.shims import _permissions

_EMF_MARK: Final = '"_aws"'


def install() -> None:
    """Publish metrics at the end of invocations, instead of in the Invoke API."""
    _publish_at_the_end()
    _log_where_allowed()


def _publish_at_the_end() -> None:
    stock_dispatch, stock_metrics = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics

    def dispatch(
        function: dict[str, Any],
        configuration: dict[str, Any],
        event: Any,  # noqa: ANN401  any JSON value
        request_id: str,
        started: float,
    ) -> Any:  # noqa: ANN401  ministack's result
        result = stock_dispatch(function, configuration, event, request_id, started)
        milliseconds = max((time.time() - started) * 1000, 1.0)
        stock_metrics(
            configuration["FunctionName"], duration_ms=milliseconds, error=bool(result.get("error")), throttle=False
        )
        return result

    def only_throttles(name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001, FBT001  ministack's signature
        if throttle:
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": name})

    lambda_svc._execute_function_dispatch = dispatch
    lambda_svc._emit_lambda_metrics = only_throttles


def _log_where_allowed() -> None:
    stock = lambda_svc._emit_lambda_logs

    def emit(function: dict[str, Any], request_id: str, text: str, *further: Any, **named: Any) -> None:  # noqa: ANN401
        if not _may_log(function["config"]):
            return
        stock(function, request_id, text, *further, **named)
        for line in text.splitlines():
            for namespace, name, value, unit, dimensions in embedded_metrics(line):
                cloudwatch.record_metric(namespace, name, value, unit, dimensions)

    lambda_svc._emit_lambda_logs = emit


def _may_log(configuration: dict[str, Any]) -> bool:
    name = configuration["FunctionName"]
    group = (configuration.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    region = get_region()
    arn = f"arn:aws:logs:{region}:{get_account_id()}:log-group:{group}"
    role = _permissions.of_role(configuration["Role"])
    needed = [("logs:CreateLogStream", f"{arn}:*"), ("logs:PutLogEvents", f"{arn}:log-stream:any")]
    if group not in cloudwatch_logs._log_groups:
        needed.append(("logs:CreateLogGroup", f"{arn}:*"))
    return all(_permissions.may(role, action, resource, region=region) for action, resource in needed)


def embedded_metrics(line: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    """Return the metrics in a log line of the embedded metric format: namespace, name, value, unit, dimensions."""
    if _EMF_MARK not in line:
        return
    try:
        record = json.loads(line[line.index("{") :])
        directives = record["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(record.get(name, "")) for name in names}
            for metric in directive.get("Metrics", []):
                values = record.get(metric["Name"], [])
                for value in values if isinstance(values, list) else [values]:
                    yield directive["Namespace"], metric["Name"], float(value), metric.get("Unit", "None"), dimensions
