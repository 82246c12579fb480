"""The alarms of a region that the simulation evaluates, with the properties of its template.

A unit test compares each with the synthesized template. It fails for an alarm that is neither here nor in its list of alarms
that are not simulated. Thresholds use the limits of the simulated functions.
"""

from typing import Final

from simulation.cloudwatch import NAMESPACE, Alarm
from simulation.world import ENVIRONMENT, FUNCTION_SECONDS, SHADOW_DELAY_SECONDS

AT_LEAST: Final = "GreaterThanOrEqualToThreshold"
ABOVE: Final = "GreaterThanThreshold"
BELOW: Final = "LessThanThreshold"
OK_IF_MISSING: Final = "notBreaching"
ALARM_IF_MISSING: Final = "breaching"
SAME_IF_MISSING: Final = "ignore"


def _of(service: str) -> tuple[tuple[str, str], ...]:
    return (("environment", ENVIRONMENT), ("service", service))


def _observed(  # noqa: PLR0913 - what differs from alarm to alarm
    resource: str,
    metric: str,
    periods: int = 1,
    missing: str = OK_IF_MISSING,
    *,
    comparison: str = AT_LEAST,
    statistic: str = "Maximum",
    seconds: int = 60,
) -> Alarm:
    return Alarm(resource, NAMESPACE, metric, _of("observer"), statistic, comparison, 1, periods, missing, seconds)


def _processed(resource: str, metric: str, threshold: float = 1, periods: int = 1) -> Alarm:
    return Alarm(resource, NAMESPACE, metric, _of("processor"), "Sum", AT_LEAST, threshold, periods)


ALARMS: Final = (
    Alarm(
        "queue-age",
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        (("QueueName", "ingest"),),
        "Maximum",
        ABOVE,
        2 * FUNCTION_SECONDS,
        5,
    ),
    Alarm(
        "dlq-depth",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        (("QueueName", "ingest-dlq"),),
        "Maximum",
        AT_LEAST,
        1,
    ),
    Alarm("processor-errors", "AWS/Lambda", "Errors", (("FunctionName", "processor"),), "Sum", AT_LEAST, 1, seconds=300),
    Alarm("shadow-late", NAMESPACE, "ShadowAge", _of("processor"), "Maximum", ABOVE, 15 * 60 + SHADOW_DELAY_SECONDS),
    Alarm(
        "unreconciled",
        NAMESPACE,
        "Unreconciled",
        _of("processor"),
        "Maximum",
        AT_LEAST,
        1,
        missing=ALARM_IF_MISSING,
        seconds=900,
    ),
    _processed("results-without-records", "ResultsWithoutRecords"),
    _processed("shadow-copies", "ShadowCopiesDropped", 100, 5),
    _processed("quarantined", "ObjectsQuarantined"),
    _observed("canary-failed", "CanaryFailed", 3),
    _observed("peer-unhealthy", "PeerUnhealthy", 3),
    _observed("force-failover", "ForceFailover", 1, SAME_IF_MISSING),
    _observed("observer-silent", "Heartbeats", 3, ALARM_IF_MISSING, comparison=BELOW, statistic="Sum"),
    _observed("canaries-held", "CanariesHeld", 45),
    _observed("auto-promoted", "AutoPromoted"),
    _observed("lww-conflicts", "LwwConflicts"),
    _observed("digest-mismatch", "DigestMismatch", 3, seconds=300),
    _observed("split-brain", "SplitBrain", 3),
    _observed("control-rows-malformed", "MalformedControlRows"),
    _observed("secret-drift", "SecretVersionsDiffer", 3, seconds=300),
)
