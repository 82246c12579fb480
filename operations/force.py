"""The manual lever: a metric in the secondary's region that its force-failover alarm rings by, and DNS follows.

One PutMetricData in the region that is to take over; nothing of the other region is asked. The alarm treats missing data as
ignored, so a lever that was pulled stays so until it is put back.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.failure import RunFailure
from operations.target import Target

NAMESPACE: Final = "Lockstep"
METRIC: Final = "ForceFailover"


def set_forced(target: Target, *, forced: bool) -> None:
    """Lead clients away from the primary by DNS, or let its own health decide again.

    Raises:
        RunFailure: CloudWatch in the secondary's region did not take the metric.
    """
    client: Any = target.client("cloudwatch", target.secondary)
    dimensions = [{"Name": "service", "Value": "operations"}, {"Name": "environment", "Value": target.environment}]
    datum = {"MetricName": METRIC, "Dimensions": dimensions, "Value": 1.0 if forced else 0.0, "Unit": "Count"}
    try:
        client.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
    except (ClientError, BotoCoreError) as error:
        raise RunFailure(
            f"CloudWatch in {target.secondary} did not take {METRIC}: {error}",
            hint="Nothing was changed. Clients with the upload helper find the other region without it.",
        ) from error
