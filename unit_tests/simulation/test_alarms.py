"""The simulated alarms are those of the templates."""

from typing import Any, Final

import pytest

from infra.constructs.failover import FAILURES, RECORD_SECONDS
from infra.settings import Settings
from simulation import health_checks
from simulation.alarms import ALARMS
from simulation.cloudwatch import Alarm, CloudWatch
from simulation.world import ENVIRONMENT, FUNCTION_SECONDS, SHADOW_DELAY_SECONDS
from unit_tests.infra.synthesis import REGIONAL, of_type, synthesize

NOT_SIMULATED: Final = {
    "api-5xx",
    "api-refusals",
    "async-dlq-depth",
    "incoming-replication-latency",
    "incoming-replication-pending",
    "issuer-errors",
    "outgoing-replication-failed",
    "processor-duration",
    "processor-throttles",
    "shadow-age",  # waiting for four days: no history is so long
    "table-replication-latency",
    "trail-silent",
}
"""Of services that the simulation has no metrics of."""
PREFIX: Final = "serverless-"


@pytest.fixture(scope="module")
def templates() -> dict[str, list[dict[str, Any]]]:
    """Alarms by stack, of the limits that the simulated functions have."""
    given = Settings(environment=ENVIRONMENT, auto_promote=True)
    limits = given.limits.model_copy(
        update={"processor_timeout_seconds": int(FUNCTION_SECONDS), "shadow_delay_seconds": SHADOW_DELAY_SECONDS}
    )
    made = synthesize(given.model_copy(update={"limits": limits}))
    return {stack: list(of_type(made.templates[stack], "AWS::CloudWatch::Alarm").values()) for stack in REGIONAL}


@pytest.mark.parametrize("stack", REGIONAL)
def test_simulated_alarm_equals_the_templates(templates: dict[str, Any], stack: str) -> None:
    found = {alarm.resource: alarm for alarm in map(simulated, templates[stack])}
    assert {alarm.resource: found.get(alarm.resource) for alarm in ALARMS} == {alarm.resource: alarm for alarm in ALARMS}
    others = {name for name in found if not name.startswith("table-errors") and not name.endswith("throttles")}
    assert others - {alarm.resource for alarm in ALARMS} <= NOT_SIMULATED


def test_health_checks_equal_the_templates() -> None:
    assert (health_checks.FAILURES, health_checks.RECORD_SECONDS) == (FAILURES, RECORD_SECONDS)


def simulated(properties: dict[str, Any]) -> Alarm:
    """Return an alarm of a template as the simulation writes it, its resources by their words."""
    dimensions = tuple(sorted((one["Name"], word(one["Value"])) for one in properties.get("Dimensions", [])))
    return Alarm(
        resource=word(properties["AlarmName"]),
        namespace=properties["Namespace"],
        metric=properties["MetricName"],
        dimensions=dimensions,
        statistic=properties.get("Statistic", ""),
        comparison=properties["ComparisonOperator"],
        threshold=properties["Threshold"],
        periods=properties["EvaluationPeriods"],
        missing=properties["TreatMissingData"],
        seconds=properties["Period"],
    )


def word(name: object) -> str:
    """Return the word of a resource's name: `ingest` of `serverless-ingest-sim`."""
    return str(name).removeprefix(PREFIX).removesuffix(f"-{ENVIRONMENT}")


SILENT: Final = Alarm("silent", "N", "M", (), "Sum", "LessThanThreshold", 1, 3, "breaching")
"""Rings where fewer than one is counted in three minutes in a row."""


@pytest.mark.parametrize(
    ("minutes", "minute", "state"),
    [
        ({0: 1, 1: 1, 2: 1}, 3, "OK"),
        ({0: 1, 1: 1, 2: 1}, 5, "OK"),  # older datapoints stand in for those that are missing
        ({0: 1, 1: 1, 2: 1}, 7, "OK"),
        ({0: 1, 1: 1, 2: 1}, 8, "ALARM"),
        ({3: 0, 4: 0}, 5, "ALARM"),
        ({3: 0, 4: 1}, 5, "OK"),
        ({}, 5, "ALARM"),
    ],
)
def test_alarm_on_missing_data_fires_when_its_range_is_empty(minutes: dict[int, int], minute: int, state: str) -> None:
    cloudwatch = CloudWatch()
    for place, value in minutes.items():
        cloudwatch.put("N", "M", {}, value, place * 60 + 30)
    cloudwatch.evaluate((SILENT,), minute * 60 + 1)
    assert cloudwatch.states == {"silent": state}


def test_alarm_that_ignores_missing_data_keeps_its_state() -> None:
    cloudwatch, alarm = (
        CloudWatch(),
        Alarm("forced", "N", "M", (), "Maximum", "GreaterThanOrEqualToThreshold", 1, 1, "ignore"),
    )
    cloudwatch.put("N", "M", {}, 1, 30)
    assert cloudwatch.evaluate((alarm,), 61) == [("forced", "ALARM")]
    assert cloudwatch.evaluate((alarm,), 3600) == []
    assert cloudwatch.states == {"forced": "ALARM"}
