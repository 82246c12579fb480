"""Test the age of the oldest waiting message, from the metrics of the shadow consumer and of the queue."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from handlers.observer.measures import Depth, Measures

NOW = 1_769_860_800.0
"""The beginning of a minute."""
Datapoints = dict[float, float]
"""Values by the age of their minute's beginning, in seconds."""


def _measures(delay: int, **metrics: Datapoints) -> Measures:
    def get_metric_data(*, MetricDataQueries: list[Any], StartTime: datetime, EndTime: datetime, **_: Any) -> Any:  # noqa: ANN401, N803
        results = []
        for query in MetricDataQueries:
            held = metrics.get(query["MetricStat"]["Metric"]["MetricName"], {})
            found = {EndTime - timedelta(seconds=age): value for age, value in held.items()}
            dated = {at: value for at, value in found.items() if at >= StartTime}
            results.append({"Id": query["Id"], "Timestamps": list(dated), "Values": list(dated.values())})
        return {"MetricDataResults": results}

    settings = SimpleNamespace(
        queue_url="https://sqs/1/ingest",
        ingest_bucket="here",
        peer_ingest_bucket="there",
        replication_rule_id="rule",
        environment="prod",
        shadow_delay_seconds=delay,
    )
    cloudwatch: Any = SimpleNamespace(get_metric_data=get_metric_data)
    return Measures(settings=settings, sqs=cloudwatch, cloudwatch=cloudwatch)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("delay", "shadow", "queue", "age"),
    [
        pytest.param(15, {}, {}, None, id="unknown"),
        pytest.param(15, {60: 9}, {60: 8}, 9, id="put back"),
        pytest.param(15, {60: 0.02}, {60: 280}, 280, id="not received since it was sent"),
        pytest.param(15, {60: 0.02, 120: 500}, {60: 8}, 560, id="put back a minute ago and hidden by a younger one"),
        pytest.param(15, {60: 0.02, 120: 0.02, 180: 500}, {60: 8}, 60.02, id="put back longer ago than the delay"),
        pytest.param(600, {60: 0.02, 120: 0.02, 600: 500}, {60: 8}, 1040, id="put back within a long delay"),
        pytest.param(15, {240: 5}, {}, 185, id="older since CloudWatch's newest number"),
        pytest.param(15, {60: float("nan")}, {60: 8}, 8, id="not a number"),
    ],
)
def test_oldest_message_is_as_old_as_either_metric_allows(
    delay: int, shadow: Datapoints, queue: Datapoints, age: float | None
) -> None:
    measures = _measures(delay, ShadowAge=shadow, ApproximateAgeOfOldestMessage=queue)
    assert measures.ages(NOW, Depth(3, visible=1)).shadow_age == (None if age is None else pytest.approx(age))


@pytest.mark.parametrize(
    ("depth", "shadow", "age"),
    [
        pytest.param(Depth(3, visible=0), {60: 0.02}, 0.02, id="in flight, of a function that ended with its region"),
        pytest.param(Depth(3, visible=0), {}, 309, id="in flight, and nothing was put back"),
        pytest.param(Depth(3, visible=1), {60: 0.02}, 309, id="one waits to be received"),
        pytest.param(None, {60: 0.02}, 309, id="nothing is known of the queue"),
    ],
)
def test_queues_own_age_counts_while_a_message_waits_to_be_received(
    depth: Depth | None, shadow: Datapoints, age: float
) -> None:
    measures = _measures(15, ShadowAge=shadow, ApproximateAgeOfOldestMessage={60: 309})
    assert measures.ages(NOW, depth).shadow_age == pytest.approx(age)


def test_empty_queue_has_no_age_whatever_was_measured() -> None:
    measures = _measures(15, ShadowAge={60: 9}, OperationsPendingReplication={60: 3, 120: 4, 180: 5})
    ages = measures.ages(NOW, Depth(0, visible=0))
    assert (ages.shadow_age, ages.replication_pending) == (0.0, 4)
