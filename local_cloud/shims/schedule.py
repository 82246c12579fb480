"""EventBridge rules that run functions periodically.

Faithful: a rule with `rate(...)` or `cron(...)` sends its event to its targets, `rate` in the time factor's time from the
rule's creation; a function runs only if its policy allows `events.amazonaws.com` for the rule, asynchronously (see
`asynchronous`), with its own retries and on-failure destination; an event without permission goes to the target's
dead-letter queue if that queue's policy and key allow EventBridge; AWS/Events Invocations and FailedInvocations; a region
that is down or stalled runs no rule, and does not run missed events later. With a time factor, a rule sends no event while
its function has not begun the previous one. A run takes its usual time, so events would queue up that are a minute apart on
AWS.
Different from AWS: the rate has a precision of a fifth of a second; RetryPolicy is only stored, because a function here is
never too busy for an event; the dead-letter queue of a target other than a function is only stored.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import logging
import threading
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, eventbridge, lambda_svc, sqs

from local_cloud import regions
from local_cloud.clock import clock
from local_cloud.shims import _api, _permissions, asynchronous

_SERVICE: Final = "events.amazonaws.com"
_TICK_SECONDS: Final = 0.2
_log: Final = logging.getLogger("local_cloud.schedule")
_delivery: Final = threading.local()
"""The rule and the target of this thread's delivery; the stock dispatch passes neither."""


def install() -> None:
    """Apply the time factor to the scheduler, and deliver to functions as EventBridge does."""
    eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_SECONDS
    stock_rate, stock_invoke = eventbridge._parse_rate_seconds, eventbridge._invoke_target

    def rate(expression: str) -> float | None:
        seconds = stock_rate(expression)
        return None if seconds is None else clock.seconds(seconds)

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:  # noqa: ANN401
        if event.get("DetailType") == "Scheduled Event" and not regions.is_running(get_region()):
            return
        _delivery.rule, _delivery.target = rule, target
        stock_invoke(target, event, rule, view)

    eventbridge._parse_rate_seconds = rate
    eventbridge._invoke_target = invoke
    eventbridge._dispatch_to_lambda = _deliver_to_function


def _deliver_to_function(arn: str, payload: str) -> None:
    rule, target = _delivery.rule, _delivery.target
    _count(rule, "Invocations")
    function, configuration, _name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not configuration:
        _give_up(rule, target, payload, "RESOURCE_NOT_FOUND", f"There is no function {arn}.")
    elif not _admits_rule(function, arn, rule["Arn"]):
        _give_up(rule, target, payload, "NO_PERMISSIONS", f"The function's policy does not let {rule['Arn']} invoke it.")
    else:
        record = lambda_svc._execution_record_for_config(function, configuration)
        if clock.factor > 1 and asynchronous.is_waiting(record):
            return
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def _admits_rule(function: dict[str, Any], arn: str, rule: str) -> bool:
    asked = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=get_region(),
        service_context={"aws:sourcearn": rule, "aws:sourceaccount": get_account_id()},
    )
    return bool(iam_evaluator.evaluate_resource_policy(function["policy"], asked, service=_SERVICE).decision == "Allow")


def _give_up(rule: dict[str, Any], target: dict[str, Any], payload: str, code: str, message: str) -> None:
    _log.warning("%s was not delivered to %s: %s", rule["Arn"], target["Arn"], message)
    _count(rule, "FailedInvocations")
    queue = (target.get("DeadLetterConfig") or {}).get("Arn", "")
    if not queue:
        return
    if not _may_send(queue, rule["Arn"]):
        _log.warning("nor to %s, whose policy or key does not admit EventBridge", queue)
        return
    attributes = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_CODE": code, "ERROR_MESSAGE": message}
    _api.client("sqs").send_message(
        QueueUrl=sqs._queue_url(queue.rpartition(":")[2]),
        MessageBody=payload,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


def _may_send(queue: str, rule: str) -> bool:
    record = sqs._queue_by_arn(queue)
    if record is None or not sqs.queue_policy_allows(queue, _SERVICE, rule, get_account_id()):
        return False
    key = record["attributes"].get("KmsMasterKeyId", "")
    return all(
        _permissions.service_may_use_key(_SERVICE, action, key, region=get_region(), source_arn=rule)
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def _count(rule: dict[str, Any], metric: str) -> None:
    cloudwatch.record_metric("AWS/Events", metric, 1, "Count", {"RuleName": rule["Name"]})
