"""Test a cloud with faster clocks: alarms, checks, names and schedules keep AWS's times, divided by the factor."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from integration_tests.local_cloud.conftest import FACTOR, MINUTE
from integration_tests.local_cloud.stacks_for_tests import WEST, deploy, until
from integration_tests.local_cloud.test_monitoring import alarm, put, state
from local_cloud import LocalCloud, LocalCloudError


def test_clock_reports_its_factor(fast: LocalCloud, cloud: LocalCloud) -> None:
    assert fast.health()["time_factor"] == FACTOR
    assert cloud.health()["time_factor"] == 1


@pytest.mark.parametrize("factor", [0.5, 0, -1, 101, float("nan"), float("inf")])
def test_factor_out_of_range_is_refused(factor: float) -> None:
    with pytest.raises(LocalCloudError, match="must be from 1 to 100"):
        LocalCloud.start(time_factor=factor)


def test_alarm_periods_are_shorter(fast: LocalCloud, cloud: LocalCloud) -> None:
    resources = {"Alarm": alarm(Namespace="Test", MetricName="Soon", TreatMissingData="notBreaching")}
    quick, slow = deploy(fast, resources), deploy(cloud, resources)
    began = time.monotonic()
    for stack in (quick, slow):
        put(stack, "Soon", 5)
    for stack in (quick, slow):
        assert until(lambda stack=stack: state(stack, "Alarm") == "ALARM")  # type: ignore[misc]
    assert until(lambda: state(quick, "Alarm") == "OK")
    assert time.monotonic() - began > MINUTE
    assert state(slow, "Alarm") == "ALARM"


def test_metric_data_periods_are_shorter(fast: LocalCloud, cloud: LocalCloud) -> None:
    now = dt.datetime.now(dt.UTC).replace(second=30, microsecond=0) - dt.timedelta(minutes=1)
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "T", "MetricName": "Fell"}, "Period": 60, "Stat": "Maximum"}}
    for one, expected in ((fast, [1, 9]), (cloud, [9])):
        client = one.client("cloudwatch", WEST)
        for seconds, value in ((0, 9), (MINUTE, 1)):
            point = {"MetricName": "Fell", "Value": value, "Timestamp": now + dt.timedelta(seconds=seconds)}
            client.put_metric_data(Namespace="T", MetricData=[point])
        window = {"StartTime": now - dt.timedelta(minutes=1), "EndTime": now + dt.timedelta(minutes=1)}
        (result,) = client.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
        assert result["Values"] == expected


def test_alarm_that_ignores_missing_data_keeps_its_state(fast: LocalCloud) -> None:
    stack = deploy(fast, {"Alarm": alarm(Namespace="Test", MetricName="Kept", TreatMissingData="ignore")})
    for value, expected in ((1, "ALARM"), (0, "OK"), (1, "ALARM")):
        put(stack, "Kept", value)
        assert until(lambda expected=expected: state(stack, "Alarm") == expected)  # type: ignore[misc]
        until(lambda: False, seconds=2 * MINUTE)
        assert state(stack, "Alarm") == expected
