"""ActivePassive-CloudWatchAlarmSense."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, function
from unit_tests.compliance.rules.builders import queue as a_queue
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-CloudWatchAlarmSense"


def _alarm(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": "serverless-ingest-prod"}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Threshold": 600,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **changes,
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {k: v for k, v in settings.items() if v is not None}}


def _duration(threshold: float) -> dict[str, Any]:
    name = [{"Name": "FunctionName", "Value": {"Ref": "Function"}}]
    return _alarm(Namespace="AWS/Lambda", MetricName="Duration", Dimensions=name, Threshold=threshold)


def _world(it: dict[str, Any]) -> Any:  # noqa: ANN401
    return alone({"It": it, "Queue": a_queue(), "Function": function()})


def _says(it: dict[str, Any]) -> Verdict | None:
    return verdict_in(RULE, "It", _world(it))


@pytest.mark.parametrize(
    "it",
    [
        _alarm(),
        _alarm(DatapointsToAlarm=None),
        _alarm(Statistic=None, ExtendedStatistic="p99"),
        _alarm(ComparisonOperator="GreaterThanOrEqualToThreshold", Threshold=0),
        _duration(300_000),
        _alarm(Namespace="AWS/S3", MetricName="OperationsFailedReplication", Threshold=0),
        _alarm(Namespace="AWS/S3", MetricName="ReplicationLatency", Threshold=900),
        _alarm(
            Namespace="Ours", MetricName="Heartbeats", ComparisonOperator="LessThanThreshold", TreatMissingData="breaching"
        ),
        _alarm(Namespace="Ours", MetricName="A", Period=10, Threshold=1e9),
    ],
)
def test_alarm_that_fires_in_time_passes(it: dict[str, Any]) -> None:
    assert _says(it) is PASS


@pytest.mark.parametrize(
    "it",
    [
        _alarm(ComparisonOperator="LessThanThreshold", TreatMissingData="breaching"),
        _alarm(
            ComparisonOperator=either("GreaterThanThreshold", "LessThanOrEqualToThreshold"), TreatMissingData="breaching"
        ),
        _alarm(DatapointsToAlarm=6),
        _alarm(Period=6000),
        _alarm(Period=None),
        _alarm(Namespace=None),
        _alarm(Threshold=None),
        _alarm(ComparisonOperator=None, Namespace="Ours"),
        _alarm(EvaluationPeriods=None, DatapointsToAlarm=None),
        _alarm(EvaluationPeriods=1500, DatapointsToAlarm=15),
        _alarm(EvaluationPeriods=500, DatapointsToAlarm=None),
        _alarm(Period=1),
        _alarm(Statistic=None),
        _alarm(Threshold=604_801),
        _duration(300_001),
        _alarm(Namespace="AWS/S3", MetricName="OperationsFailedReplication", Threshold=1),
        _alarm(Namespace="AWS/S3", MetricName="ReplicationLatency", Threshold=901),
        _alarm(Namespace="Ours", MetricName="Heartbeats", ComparisonOperator="LessThanThreshold"),
    ],
)
def test_alarm_that_fires_late_never_or_for_the_wrong_thing_fails(it: dict[str, Any]) -> None:
    assert _says(it) is FAIL


def test_bound_is_reported() -> None:
    text = message_in(RULE, "It", _world(_duration(1_000_000)))
    assert text == "Threshold is 1e+06, and the function's timeout is 300000: it fires too late, or never"


@pytest.mark.parametrize("setting", ["Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "MetricName"])
def test_unresolved_value_is_not_evaluated(setting: str) -> None:
    assert _says(_alarm(**{setting: UNKNOWN})) is NOT_EVALUATED


@pytest.mark.property
@given(st.integers(1, 240), st.integers(1, 240))
@example(1, 2)
@example(120, 120)
@example(121, 121)
def test_alarm_passes_only_if_it_can_fire_within_two_hours(periods: int, points: int) -> None:
    verdict = _says(_alarm(EvaluationPeriods=periods, DatapointsToAlarm=points))
    assert (verdict is PASS) == (points <= periods and points * 60 <= 7200)


def test_unit_hides_what_was_published_with_another() -> None:
    stat = {"Metric": {"Namespace": "X", "MetricName": "Y"}, "Period": 60, "Stat": "Sum", "Unit": "Bytes"}
    of_queries = _alarm(
        **dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period")),
        Metrics=[{"Id": "m", "MetricStat": stat}],
    )

    for it in (_alarm(Unit="Bytes"), _alarm(Unit=either({"Ref": "AWS::NoValue"}, "Bytes")), of_queries):
        assert "Unit is" in message_in(RULE, "It", _world(it))
        assert _says(it) is FAIL
