"""ActivePassive-Route53RecordPrimary."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
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

RULE = "ActivePassive-Route53RecordPrimary"


def _calculated(*children: str) -> dict[str, Any]:
    ids = [check_id(child) for child in children]
    return health_check(Type="CALCULATED", HealthThreshold=len(children), ChildHealthChecks=ids)


def _primary(check: dict[str, Any], **others: Any) -> Resources:  # noqa: ANN401
    return changed_pair(FirstCheck=check, Ready=endpoint_check(EAST), Peer=alarm_check("a", WEST), **others)


def _says(resources: Resources, *, of: str = "First") -> Verdict | None:
    return verdict_in(RULE, of, *world(resources))


@pytest.mark.parametrize(
    "resources",
    [
        _primary(_calculated("Ready", "Peer")),
        _primary(_calculated("Peer", "Forced", "Ready"), Forced=alarm_check("b", WEST)),
        _primary(_calculated("Match", "Peer"), Match=endpoint_check(EAST, Type="HTTPS_STR_MATCH", SearchString="ok")),
        _primary(_calculated("Ready", "Peer"), First=record("PRIMARY", EAST, None)),
    ],
)
def test_endpoint_and_an_alarm_from_outside_pass(resources: Resources) -> None:
    assert _says(resources) is PASS


@pytest.mark.parametrize(
    "resources",
    [
        pair(),
        _primary(alarm_check("a", WEST)),
        _primary(_calculated("Ready")),
        _primary(_calculated("Peer")),
        _primary(_calculated("Peer", "Forced"), Forced=alarm_check("b", WEST)),
        _primary(_calculated("Plain", "Peer"), Plain=endpoint_check(EAST, Type="HTTP")),
        _primary(_calculated("Open", "Peer"), Open=health_check(Type="TCP", IPAddress="192.0.2.1", Port=443)),
        _primary(_calculated("Nobody", "Peer"), Nobody=health_check(Type="HTTPS", Port=443)),
        _primary(
            health_check(
                Type="CALCULATED",
                ChildHealthChecks=either([check_id("Ready"), check_id("Peer")], [check_id("Peer")]),
            )
        ),
    ],
)
def test_one_of_them_alone_fails(resources: Resources) -> None:
    assert _says(resources) is FAIL


def test_missing_item_is_reported() -> None:
    assert "no HTTPS check" in message_in(RULE, "First", *world(_primary(_calculated("Peer"))))
    assert "no alarm" in message_in(RULE, "First", *world(pair()))


@pytest.mark.parametrize(
    "resources",
    [
        changed_pair(First=record("PRIMARY", EAST, UNKNOWN)),
        _primary(_calculated("Ready", "Elsewhere")),
        _primary(health_check(Type=UNKNOWN)),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: Resources) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_secondary_is_not_judged() -> None:
    assert _says(pair(), of="Second") is None


def test_group_is_judged_by_the_primary_in_it() -> None:
    sets = [record("PRIMARY", EAST, check_id("FirstCheck"))["Properties"]]
    group = {"Type": "AWS::Route53::RecordSetGroup", "Properties": {"HostedZoneId": "Z1", "RecordSets": sets}}

    assert _says(_primary(_calculated("Ready", "Peer"), First=group)) is PASS
    assert _says(_primary(_calculated("Peer"), First=group)) is FAIL
