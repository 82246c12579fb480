"""Start no functions and deliver no events of a region that is down or stalled, until it is back.

The control surface fails every request that is signed for the region or made to its APIs or buckets, and the replicator
stops its replication.
Faithful: a running function is killed with its region, and its event is tried again as after any failure; accepted work
continues after the outage; an outage of us-east-1 stops IAM's API and changes to Route 53, while permissions, records and
health checks stay valid everywhere.
Different from AWS: CloudFormation of another region still creates roles and records while us-east-1 is down; a stalled
region's running functions finish.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_region
from ministack.services import lambda_svc, s3

from local_cloud import regions


def install() -> None:
    """Hold invocations and deliveries, each in its own thread, while their region is down or stalled."""
    stock_execute, stock_deliver = lambda_svc._execute_function, s3._deliver_event_to_sqs

    def execute(function: dict[str, Any], event: Any) -> Any:  # noqa: ANN401  ministack's event and result
        regions.wait_until_running((function.get("config") or function)["FunctionArn"].split(":")[3])
        return stock_execute(function, event)

    def deliver(arn: str, *further: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        regions.wait_until_running(arn.split(":")[3] or get_region())
        stock_deliver(arn, *further, **named)

    lambda_svc._execute_function = execute
    s3._deliver_event_to_sqs = deliver
