"""ActivePassive-Route53Record."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.failover import (
    Resources,
    changed_pair,
    check_id,
    endpoint_check,
    health_check,
    pair,
    record,
    world,
)
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-Route53Record"
FIRST, SECOND = check_id("FirstCheck"), check_id("SecondCheck")
ALIAS = {"DNSName": "x.execute-api.us-east-1.amazonaws.com", "HostedZoneId": "Z2"}
OTHER_ALIAS = {"DNSName": "y.execute-api.us-west-2.amazonaws.com", "HostedZoneId": "Z3"}


def _first(**changes: Any) -> Resources:  # noqa: ANN401
    return changed_pair(First=record("PRIMARY", EAST, changes.pop("check", FIRST), **changes))


def _second(**changes: Any) -> Resources:  # noqa: ANN401
    return changed_pair(Second=record("SECONDARY", WEST, changes.pop("check", SECOND), **changes))


def _aliases(**changes: Any) -> Resources:  # noqa: ANN401
    alias = {"Type": "A", "TTL": None, "ResourceRecords": None}
    return changed_pair(
        First=record("PRIMARY", EAST, FIRST, **{**alias, "AliasTarget": ALIAS, **changes}),
        Second=record("SECONDARY", WEST, SECOND, **{**alias, "AliasTarget": OTHER_ALIAS}),
    )


def _says(resources: Resources, logical_id: str = "First") -> Verdict | None:
    return verdict_in(RULE, logical_id, *world(resources))


def _group(**changes: Any) -> Resources:  # noqa: ANN401
    records = [{**pair()[name]["Properties"]} for name in ("First", "Second")]
    for one in records:
        del one["HostedZoneId"]
    records[0].update(changes)
    return changed_pair(
        First={"Type": "AWS::Route53::RecordSetGroup", "Properties": {"HostedZoneId": "Z1", "RecordSets": records}},
        Second=None,
    )


@pytest.mark.parametrize(
    "resources",
    [
        pair(),
        _aliases(),
        _first(TTL=0),
        _first(TTL=either("30", "60")),
        _first(Name="INGEST.example.com"),
        _second(check=None),
        _group(),
        _first(HostedZoneId="/hostedzone/Z1"),
        changed_pair(FirstCheck=health_check(Type="HTTPS", IPAddress="192.0.2.1")),
    ],
)
def test_complete_pair_passes(resources: Resources) -> None:
    assert _says(resources) is PASS
    if "Second" in resources:
        assert _says(resources, "Second") is PASS


@pytest.mark.parametrize(
    "resources",
    [
        changed_pair(Second=None),
        _second(Name="other.example.com"),
        _second(Type="A"),
        _second(HostedZoneId="Z9"),
        _second(Failover="PRIMARY"),
        _second(SetIdentifier="primary"),
        _second(ResourceRecords=["api.us-east-1.example.com"]),
        changed_pair(Third=record("PRIMARY", EAST, FIRST, SetIdentifier="third")),
        _first(Failover="TERTIARY"),
        _first(SetIdentifier=None),
        _first(check=None),
        _first(check={"Ref": "AWS::NoValue"}),
        _first(check=either(FIRST, {"Ref": "AWS::NoValue"})),
        _first(check=SECOND),
        _first(TTL=None),
        _first(TTL="61"),
        _first(TTL=300),
        _first(TTL=either(60, 3600)),
        _aliases(TTL="60"),
        changed_pair(FirstCheck=endpoint_check(WEST)),
        _group(TTL="300"),
        _group(Failover="SECONDARY"),
    ],
)
def test_anything_missing_or_doubled_fails(resources: Resources) -> None:
    assert _says(resources) is FAIL


def test_missing_item_is_reported() -> None:
    assert "no SECONDARY record of the same name" in message_in(RULE, "First", *world(changed_pair(Second=None)))
    assert "no HealthCheckId" in message_in(RULE, "First", *world(_first(check=None)))
    assert "its health check us-west-2/SecondCheck asks us-west-2" in message_in(RULE, "First", *world(_first(check=SECOND)))
    assert "300 seconds; at most 60" in message_in(RULE, "First", *world(_first(TTL=300)))


def test_each_region_may_hold_its_own_record() -> None:
    east = {name: pair()[name] for name in ("First", "FirstCheck")}
    west = {name: pair()[name] for name in ("Second", "SecondCheck")}

    assert verdict_in(RULE, "First", template(east, EAST), template(west, WEST)) is PASS
    assert verdict_in(RULE, "Second", template(east, EAST), template(west, WEST)) is PASS
    assert verdict_in(RULE, "Second", template(west, WEST)) is FAIL


@pytest.mark.parametrize(
    "resources",
    [
        _first(TTL=UNKNOWN),
        _first(Failover=UNKNOWN),
        _first(check=UNKNOWN),
        _first(check="01234567-89ab-cdef-0123-456789abcdef"),
        _first(ResourceRecords=UNKNOWN),
        _group(TTL=UNKNOWN),
    ],
)
def test_unresolved_value_is_not_evaluated(resources: Resources) -> None:
    assert _says(resources) is NOT_EVALUATED


def test_names_that_two_templates_leave_open_may_be_the_same() -> None:
    east = {"First": record("PRIMARY", EAST, FIRST, Name=UNKNOWN), "FirstCheck": pair()["FirstCheck"]}
    west = {"Second": record("SECONDARY", WEST, SECOND, Name=UNKNOWN), "SecondCheck": pair()["SecondCheck"]}

    assert verdict_in(RULE, "First", template(east, EAST), template(west, WEST)) is NOT_EVALUATED


def test_other_records_are_not_judged() -> None:
    assert _says(changed_pair(First=record("x", EAST, None, Failover=None))) is None


@pytest.mark.parametrize(
    "routing",
    [
        {"Weight": 50},
        {"Weight": 0},
        {"Region": EAST},
        {"GeoLocation": {"ContinentCode": "EU"}},
        {"MultiValueAnswer": True},
        {"GeoProximityLocation": {"AWSRegion": EAST}},
        {"CidrRoutingConfig": {"CollectionId": "c", "LocationName": "*"}},
    ],
)
def test_no_other_routing_makes_two_regions_active(routing: dict[str, Any]) -> None:
    routed = _first(Failover=None, **routing)

    assert _says(routed) is FAIL
    assert f"is routed by {next(iter(routing))}" in message_in(RULE, "First", *world(routed))
    assert _says(_group(**routing)) is FAIL


@pytest.mark.parametrize("kind", ["HTTP", "HTTP_STR_MATCH", "TCP", either("HTTPS", "TCP")])
def test_health_of_https_is_asked_by_https(kind: Any) -> None:  # noqa: ANN401
    assert _says(changed_pair(FirstCheck=endpoint_check(EAST, Type=kind))) is FAIL
    between = health_check(Type="CALCULATED", ChildHealthChecks=[check_id("Child")])
    assert _says(changed_pair(FirstCheck=between, Child=endpoint_check(EAST, Type=kind))) is FAIL
    assert _says(changed_pair(FirstCheck=between, Child=endpoint_check(EAST, Type="HTTPS_STR_MATCH"))) is PASS


def test_routing_within_one_region_is_not_judged() -> None:
    assert verdict_in(RULE, "First", template(_first(Failover=None, Weight=50), EAST)) is None
    assert _says(_first(Failover=None, MultiValueAnswer=False)) is None


def test_counterpart_on_another_condition_fails() -> None:
    first, second = pair()["First"], {**pair()["Second"], "Condition": "Sometimes"}

    assert _says(changed_pair(Second=second)) is FAIL
    assert _says(changed_pair(Second=second), "Second") is PASS
    assert _says(changed_pair(First={**first, "Condition": "Sometimes"}, Second=second)) is PASS
