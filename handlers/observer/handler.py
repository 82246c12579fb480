"""The observer's entry point: EventBridge runs it every minute.

It tries its own region end to end, says in a heartbeat how that region is, looks at the other region and publishes what
it sees, so that each region can raise an alarm about the other; and it digests what the ledger holds, hour by hour.
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


# There is no tracer: its subsegments are a thread's own, and the steps run in threads.
@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: "LambdaContext") -> dict[str, Any]:
    """Do one run.

    Args:
        event: A scheduled event; only its `time` is looked at.

    Returns:
        `failed`: the steps that failed; `peer`: what is wrong with the other region; `canary_seconds`; `epoch`.

    Raises:
        EnvironmentVariableError: The function is not set up as its template must do it.
    """
    observer = application()
    metrics.set_default_dimensions(environment=observer.settings.environment)
    outcome = observer.observe(scheduled_at(event, observer.clock))
    logger.info("a run of the observer is over", **outcome)
    return outcome


def scheduled_at(event: Mapping[str, Any], clock: Callable[[], float] = time.time) -> float:
    """Return when a run was scheduled, in epoch seconds: by its event, or now if that does not say.

    EventBridge sends a run within the minute or not at all, so a time that is far from now is not believed: the memory
    keeps the latest, and one that is yet to come would hold up every canary until then.
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
        logger.warning("the event's time is no time of a run; the clock's is taken", time=moment[:100])
    return now
