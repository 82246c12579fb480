"""ActivePassive-Route53RecordSecondary."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import (
    Resources,
    alarm_check,
    changed_pair,
    check_id,
    endpoint_check,
    health_check,
    pair,
    record,
    world,
)
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53RecordSecondary"
OUTPUT = {"StackName": "serverless-regional-prod", "OutputName": "ApiHost"}


def _check(check: Any, **others: Any) -> Resources:  # noqa: ANN401
    return changed_pair(SecondCheck=check, **others)


def _output(region: str) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {**OUTPUT, "Region": region}}


def _calculated(*children: str) -> dict[str, Any]:
    return health_check(Type="CALCULATED", HealthThreshold=1, ChildHealthChecks=[{"Ref": child} for child in children])


def _says(resources: Resources) -> Verdict | None:
    return verdict_in(RULE, "Second", *world(resources))


@pytest.mark.parametrize(
    "resources",
    [
        pair(),
        changed_pair(Second=record("SECONDARY", WEST, None)),
        _check(health_check(Type="HTTPS", FullyQualifiedDomainName=_output(WEST))),
        _check(health_check(Type="HTTPS", FullyQualifiedDomainName="second.example.com")),
        _check(health_check(Type="TCP", IPAddress="192.0.2.1", Port=443)),
        _check(alarm_check("a", WEST)),
        _check(alarm_check("a", "eu-west-1")),
        _check(health_check(Type="RECOVERY_CONTROL", RoutingControlArn="arn:aws:route53-recovery-control::0:x")),
    ],
)
def test_signal_of_its_own_region_passes(resources: Resources) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    "resources",
    [
        _check(alarm_check("a", EAST)),
        _check(alarm_check("a", either(WEST, EAST))),
        _check(endpoint_check(EAST)),
        _check(endpoint_check(EAST, Inverted=True)),
        _check(health_check(Type="HTTPS", FullyQualifiedDomainName=_output(EAST))),
        _check(_calculated("FirstCheck", "Own"), Own=endpoint_check(WEST)),
        _check(_calculated("Own"), Own=endpoint_check(WEST)),
        _check(_calculated("Deep"), Deep=_calculated("Alarm"), Alarm=alarm_check("a", EAST)),
        changed_pair(Second=record("SECONDARY", WEST, check_id("FirstCheck"))),
        changed_pair(
            Second=record("SECONDARY", WEST, check_id("FirstCheck"), ResourceRecords=["192.0.2.2"]),
            First=record("PRIMARY", EAST, check_id("FirstCheck"), ResourceRecords=["192.0.2.1"]),
            FirstCheck=health_check(Type="HTTPS", IPAddress="192.0.2.1"),
        ),
        changed_pair(
            First=record("PRIMARY", EAST, check_id("FirstCheck"), ResourceRecords=["first.example.com"]),
            SecondCheck=health_check(Type="HTTPS", FullyQualifiedDomainName="first.example.com"),
        ),
    ],
)
def test_signal_of_the_primarys_region_fails(resources: Resources) -> None:
    assert _says(resources) is FAIL


def test_signal_is_reported() -> None:
    text = message_in(RULE, "Second", *world(_check(alarm_check("a", EAST))))

    assert "depends on an alarm in us-east-1" in text


@pytest.mark.parametrize(
    "resources",
    [
        changed_pair(Second=record("SECONDARY", WEST, UNKNOWN)),
        _check(alarm_check("a", UNKNOWN)),
        _check(health_check(Type=UNKNOWN)),
        _check(health_check(Type="HTTPS", FullyQualifiedDomainName=UNKNOWN)),
        _check(health_check(Type="CALCULATED", ChildHealthChecks=[UNKNOWN])),
        _check(_calculated("SecondCheck")),
        changed_pair(
            First=record("PRIMARY", EAST, check_id("FirstCheck"), ResourceRecords=["192.0.2.1"]),
            SecondCheck=alarm_check("a", WEST),
        ),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: Resources) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_record_alone_is_judged_by_what_it_says() -> None:
    second = {name: pair()[name] for name in ("Second", "SecondCheck")}

    assert verdict_in(RULE, "Second", template(second, WEST)) is PASS


def test_primary_is_not_judged() -> None:
    assert verdict_in(RULE, "First", *world(pair())) is None
