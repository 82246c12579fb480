"""The observer's entry point: EventBridge runs it every minute.

It tests its own region end to end, writes the region's health to a heartbeat, checks the other region and publishes metrics,
so that each region can raise an alarm about the other. It also keeps a digest of the ledger for each hour.
"""

import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.observer.application import application, metrics
from handlers.shared.own_rows import FURTHEST_AHEAD_SECONDS

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


# There is no tracer: subsegments belong to one thread, and the steps run in several.
@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """Do one run.

    Args:
        event: A scheduled event; only its `time` is read.

    Returns:
        `failed`: the steps that failed; `peer`: the problems of the other region; `canary_seconds`; `epoch`.

    Raises:
        EnvironmentVariableError: An environment variable of the function is missing or wrong.
    """
    observer = application()
    metrics.set_default_dimensions(environment=observer.settings.environment)
    outcome = observer.observe(scheduled_at(event, observer.clock))
    logger.info("a run of the observer is over", **outcome)
    return outcome


def scheduled_at(event: Mapping[str, Any], clock: Callable[[], float] = time.time) -> float:
    """Return the scheduled time of a run from its event, in epoch seconds; without a plausible one, return now.

    EventBridge sends a run within the minute or not at all, so a time far from now is ignored. The memory keeps the latest
    time, and a time in the future would block every canary until then.
    """
    now = clock()
    moment = event.get("time") if isinstance(event, Mapping) else None
    if isinstance(moment, str):
        try:
            scheduled = datetime.fromisoformat(moment).timestamp()
        except (ValueError, OverflowError):
            scheduled = math.inf
        if abs(scheduled - now) <= FURTHEST_AHEAD_SECONDS:
            return scheduled
        logger.warning("the event's time is not plausible; the clock's time is used", time=moment[:100])
    return now
