"""ActivePassive-Route53Health."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import (
    Resources,
    alarm,
    alarm_check,
    changed_pair,
    check_id,
    endpoint_check,
    health_check,
    record,
    world,
)
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53Health"
NAME = "serverless-peer-prod"
COMPOSITE = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": NAME, "AlarmRule": "TRUE"}}


def _says(check: Any, west: Any = None, east: Any = None, **others: Any) -> Verdict | None:  # noqa: ANN401
    resources: Resources = changed_pair(FirstCheck=check, **others)
    alarms = {"east": {"Alarm": east} if east else {}, "west": {"Alarm": west} if west else {}}
    return verdict_in(RULE, "FirstCheck", *world(resources, **alarms))


@pytest.mark.parametrize(
    "alarmed",
    [
        alarm(),
        alarm(Period=300),
        alarm(Period="60"),
        alarm(AlarmName=either(NAME, "x")),
        alarm(Statistic="Sum"),
        alarm(DatapointsToAlarm=3),
        alarm(EvaluationPeriods="3", DatapointsToAlarm=3),
    ],
)
def test_plain_alarm_outside_the_judged_region_passes(alarmed: dict[str, Any]) -> None:
    assert _says(alarm_check(NAME, WEST), west=alarmed) is PASS


def test_alarm_beside_the_check_is_found_by_reference() -> None:
    assert _says(alarm_check({"Ref": "Beside"}, {"Ref": "AWS::Region"}), Beside=alarm(AlarmName=None)) is PASS
    assert _says(alarm_check({"Ref": "Beside"}, WEST), Beside=COMPOSITE) is FAIL


@pytest.mark.parametrize(
    "alarmed",
    [
        COMPOSITE,
        alarm(Metrics=[{"Id": "m", "Expression": "a / b"}], MetricName=None, Period=None),
        alarm(Period=10),
        alarm(Period="30"),
        alarm(Period=either(60, 10)),
        alarm(Statistic=None, ExtendedStatistic="p99"),
        alarm(DatapointsToAlarm=2),
        alarm(DatapointsToAlarm=either(3, 1)),
        alarm(EvaluationPeriods=either(3, 5), DatapointsToAlarm=3),
    ],
)
def test_alarm_that_route_53_cannot_read_fails(alarmed: dict[str, Any]) -> None:
    assert _says(alarm_check(NAME, WEST), west=alarmed) is FAIL


def test_alarm_in_the_region_that_it_judges_fails() -> None:
    resources = changed_pair(FirstCheck=alarm_check(NAME, EAST))

    assert _says(alarm_check(NAME, EAST), east=alarm()) is FAIL
    assert "the region that it judges" in message_in(RULE, "FirstCheck", *world(resources, east={"Alarm": alarm()}))


def test_calculated_check_is_judged_by_its_children() -> None:
    calculated = health_check(Type="CALCULATED", ChildHealthChecks=[{"Ref": "FirstCheck"}])
    first = record("PRIMARY", EAST, check_id("Both"))

    assert _says(alarm_check(NAME, EAST), east=alarm(), First=first, Both=calculated) is FAIL
    assert _says(alarm_check(NAME, WEST), west=alarm(), First=first, Both=calculated) is PASS


@pytest.mark.parametrize(
    ("silence", "verdict"),
    [("Healthy", PASS), ("LastKnownStatus", PASS), ("Unhealthy", FAIL), (either("Healthy", "Unhealthy"), FAIL)],
)
def test_alarm_that_says_nothing_moves_no_client(silence: Any, verdict: Verdict) -> None:  # noqa: ANN401
    check = alarm_check(NAME, WEST)
    check["Properties"]["HealthCheckConfig"]["InsufficientDataHealthStatus"] = silence

    assert _says(check, west=alarm()) is verdict


@pytest.mark.parametrize(("region", "verdict"), [(WEST, PASS), (EAST, FAIL)])
def test_health_check_without_records_judges_its_sibling_endpoint(region: str, verdict: Verdict) -> None:
    both = health_check(Type="CALCULATED", ChildHealthChecks=[check_id("FirstCheck"), check_id("Ready")])
    where = {"east": alarm()} if region == EAST else {"west": alarm()}

    text = _says(alarm_check(NAME, region), **where, First=None, Second=None, Both=both, Ready=endpoint_check(EAST))
    assert text is verdict


@pytest.mark.parametrize("missing", ["Name", "Region"])
def test_incomplete_identifier_fails(missing: str) -> None:
    check = alarm_check(NAME, WEST)
    del check["Properties"]["HealthCheckConfig"]["AlarmIdentifier"][missing]

    assert _says(check, west=alarm()) is FAIL


@pytest.mark.parametrize(
    ("check", "alarmed"),
    [
        (alarm_check(NAME, UNKNOWN), alarm()),
        (alarm_check(UNKNOWN, WEST), alarm()),
        (alarm_check("another", WEST), alarm()),
        (alarm_check(NAME, WEST), None),
        (alarm_check(NAME, WEST), alarm(Period=UNKNOWN)),
    ],
)
def test_unresolved_value_is_not_evaluated(check: Any, alarmed: Any) -> None:  # noqa: ANN401
    assert _says(check, west=alarmed) is NOT_EVALUATED


def test_check_that_no_record_hangs_on_judges_nothing_known() -> None:
    assert _says(alarm_check(NAME, WEST), west=alarm(), First=None) is NOT_EVALUATED


def test_plain_endpoint_check_is_not_judged() -> None:
    assert _says(endpoint_check(EAST)) is None
