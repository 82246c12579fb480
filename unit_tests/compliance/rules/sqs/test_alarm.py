"""ActivePassive-SQSAlarm."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import WEST, alone, dead_letter_alarm, pipeline
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-SQSAlarm"


def _with(alarm: Resource) -> Verdict | None:
    return verdict_in(RULE, "Dead", alone({**pipeline(), "Alarm": alarm}))


def _as_query(alarm: Resource) -> Resource:
    properties = alarm["Properties"]
    metric = {name: properties[name] for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Stat": "Maximum", "Period": 60}
    kept = {name: value for name, value in properties.items() if name not in {*metric, "Statistic", "Period"}}
    return {**alarm, "Properties": {**kept, "Metrics": [{"Id": "m", "MetricStat": stat}]}}


def test_alarm_at_the_first_message_passes_however_it_names_the_queue() -> None:
    for name in ("serverless-ingest-dlq-prod", {"Fn::GetAtt": ["Dead", "QueueName"]}):
        assert _with(dead_letter_alarm(name)) is PASS
        assert _with(_as_query(dead_letter_alarm(name))) is PASS
    above = changed(changed(dead_letter_alarm(), "Threshold", to=0), "ComparisonOperator", to="GreaterThanThreshold")
    assert _with(above) is PASS


def test_queue_of_work_is_not_judged() -> None:
    assert verdict_in(RULE, "Queue", alone(pipeline())) is None


@pytest.mark.parametrize(
    "broken",
    [
        dead_letter_alarm("serverless-ingest-prod"),
        changed(dead_letter_alarm(), "MetricName", to="NumberOfMessagesSent"),
        changed(dead_letter_alarm(), "Namespace", to="Lockstep"),
        changed(dead_letter_alarm(), "Dimensions", to=[]),
        changed(dead_letter_alarm(), "Statistic", to="Minimum"),
        changed(dead_letter_alarm(), "Threshold", to=2),
        changed(dead_letter_alarm(), "Threshold", to=0),
        without(dead_letter_alarm(), "Threshold"),
        changed(dead_letter_alarm(), "Threshold", to=either(1, 100)),
        changed(dead_letter_alarm(), "ComparisonOperator", to="GreaterThanThreshold"),
        changed(dead_letter_alarm(), "ComparisonOperator", to="LessThanThreshold"),
        changed(dead_letter_alarm(), "Period", to=3600),
        changed(dead_letter_alarm(), "EvaluationPeriods", to=60),
        changed(dead_letter_alarm(), "AlarmActions", to=[]),
        without(dead_letter_alarm(), "AlarmActions"),
        changed(dead_letter_alarm(), "ActionsEnabled", to=False),
        {**dead_letter_alarm(), "Condition": "InProd"},
        changed(dead_letter_alarm(), "Dimensions", to=either(dead_letter_alarm()["Properties"]["Dimensions"], [])),
    ],
)
def test_alarm_that_does_not_notify_fails(broken: dict[str, Any]) -> None:
    assert _with(broken) is FAIL


def test_no_alarm_or_one_in_another_region_fails() -> None:
    silent = {name: each for name, each in pipeline().items() if name != "Alarm"}
    assert verdict_in(RULE, "Dead", alone(silent)) is FAIL
    assert verdict_in(RULE, "Dead", alone(silent), alone({"Alarm": dead_letter_alarm()}, WEST)) is FAIL


def test_message_says_what_is_wrong_with_the_alarm_that_there_is() -> None:
    quiet = {**pipeline(), "Alarm": without(dead_letter_alarm(), "AlarmActions")}
    assert "us-east-1/Alarm notifies nobody: it has no AlarmActions" in message_in(RULE, "Dead", alone(quiet))


def test_second_alarm_that_is_good_is_enough() -> None:
    both = {**pipeline(), "Bad": changed(dead_letter_alarm(), "Threshold", to=100)}
    assert verdict_in(RULE, "Dead", alone(both)) is PASS


def test_unresolved_value_is_not_evaluated() -> None:
    for name in ("Threshold", "Period", "AlarmActions", "ActionsEnabled", "Dimensions"):
        assert _with(changed(dead_letter_alarm(), name, to=UNKNOWN)) is NOT_EVALUATED
    assert _with(dead_letter_alarm(UNKNOWN)) is NOT_EVALUATED
