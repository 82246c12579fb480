"""A region that is down or stalled: its functions do not start and its events are not delivered until it is back.

Together with the control surface, which fails every request signed for the region, made to its APIs or to its
buckets, and with the replicator, which carries nothing in or out.
Faithful: a running function is killed with its region, and its event is tried again as after any failure; what was
accepted before the outage continues afterwards; with us-east-1 go IAM's API and changes to Route 53, which are there, while
permissions, records and health checks hold everywhere.
Different from AWS: CloudFormation of another region still makes roles and records while us-east-1 is down; a stalled
region's running functions end their work.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_region
from ministack.services import lambda_svc, s3

from local_cloud import regions


def install() -> None:
    """Hold invocations and deliveries while their region is down or stalled; each has a thread of its own to wait in."""
    stock_execute, stock_deliver = lambda_svc._execute_function, s3._deliver_event_to_sqs

    def execute(function: dict[str, Any], event: Any) -> Any:  # noqa: ANN401  ministack's event and result
        regions.wait_until_running((function.get("config") or function)["FunctionArn"].split(":")[3])
        return stock_execute(function, event)

    def deliver(arn: str, *further: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        regions.wait_until_running(arn.split(":")[3] or get_region())
        stock_deliver(arn, *further, **named)

    lambda_svc._execute_function = execute
    s3._deliver_event_to_sqs = deliver
