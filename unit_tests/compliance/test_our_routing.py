"""Each damage to the routing of our own app, with a domain and without, fails.

The rules' own tests judge small templates; these prove that the rules also judge the resources of the real app.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from infra.settings import Settings
from unit_tests.compliance.fixtures import ask
from unit_tests.infra.synthesis import DOMAIN, VPCS, synthesized

Templates = tuple[Template, ...]
Damage = Callable[[dict[str, Any]], None]

CHECK, ALARM = "AWS::Route53::HealthCheck", "AWS::CloudWatch::Alarm"


@pytest.fixture(scope="module", params=["private", "domain"])
def ours(request: pytest.FixtureRequest) -> Templates:
    return synthesized(Settings(domain=DOMAIN) if request.param == "domain" else Settings(client_vpcs=VPCS)).loaded


def damaged(ours: Templates, which: Callable[[dict[str, Any]], bool], damage: Damage, *, region: str = "") -> Templates:
    """The templates with the resources damaged that are meant, in one region or all; some must be."""
    copies = tuple(replace(each, body=copy.deepcopy(each.body)) for each in ours)
    meant = [
        resource
        for each in copies
        if region in {"", each.region}
        for resource in each.body["Resources"].values()
        if which(resource)
    ]
    assert meant
    for resource in meant:
        damage(resource["Properties"])
    return copies


def red(rule: str, templates: Templates) -> bool:
    return any(row.verdict is not Verdict.PASS for row in ask(rule, *templates))


def checks_of(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda it: it["Type"] == CHECK and it["Properties"]["HealthCheckConfig"]["Type"] == kind


def named(kind: str, name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda it: it["Type"] == kind and name in it["Properties"].values()


def configure(**settings: Any) -> Damage:  # noqa: ANN401
    return lambda properties: properties["HealthCheckConfig"].update(settings)


def put(**properties: Any) -> Damage:  # noqa: ANN401
    return lambda it: it.update(properties)


def without_children(*kept: int) -> Damage:
    def damage(properties: dict[str, Any]) -> None:
        config = properties["HealthCheckConfig"]
        config["ChildHealthChecks"] = [config["ChildHealthChecks"][index] for index in kept]
        config["HealthThreshold"] = len(kept)

    return damage


def in_primary(properties: dict[str, Any]) -> None:
    properties["HealthCheckConfig"]["AlarmIdentifier"]["Region"] = "us-east-1"


RULES = (
    *(
        "ActivePassive-Route53Record",
        "ActivePassive-Route53RecordPrimary",
        "ActivePassive-Route53RecordSecondary",
        "ActivePassive-CrossRegionReferences",
        "ActivePassive-EventsRule",
    ),
    *(
        "ActivePassive-Route53Health",
        "ActivePassive-Route53HealthCalculated",
        "ActivePassive-Route53HealthEnabled",
        "ActivePassive-Route53HealthSilence",
    ),
)


@pytest.mark.parametrize("rule", RULES)
def test_routing_without_damage_passes(rule: str, ours: Templates) -> None:
    rows = ask(rule, *ours)
    assert rows
    assert not red(rule, ours)


WRONG: Mapping[str, tuple[str, Callable[[dict[str, Any]], bool], Damage]] = {
    "a threshold below the number of children": (
        "ActivePassive-Route53HealthCalculated",
        checks_of("CALCULATED"),
        configure(HealthThreshold=2),
    ),
    "a primary without the HTTPS child": (
        "ActivePassive-Route53RecordPrimary",
        checks_of("CALCULATED"),
        without_children(1, 2),
    ),
    "a primary that nothing outside takes down": (
        "ActivePassive-Route53RecordPrimary",
        checks_of("CALCULATED"),
        without_children(0),
    ),
    "an alarm in the primary's own region": ("ActivePassive-Route53Health", checks_of("CLOUDWATCH_METRIC"), in_primary),
    "an observer whose silence moves clients": (
        "ActivePassive-Route53Health",
        checks_of("CLOUDWATCH_METRIC"),
        configure(InsufficientDataHealthStatus="Unhealthy"),
    ),
    "an inverted check": ("ActivePassive-Route53HealthEnabled", checks_of("CLOUDWATCH_METRIC"), configure(Inverted=True)),
    "an alarm of metric math": (
        "ActivePassive-Route53Health",
        named(ALARM, "serverless-force-failover-prod"),
        put(Metrics=[{"Id": "m", "Expression": "1"}]),
    ),
    "an alarm of some datapoints": (
        "ActivePassive-Route53Health",
        named(ALARM, "serverless-peer-unhealthy-prod"),
        put(DatapointsToAlarm=2),
    ),
    "an alarm of high resolution": (
        "ActivePassive-Route53Health",
        named(ALARM, "serverless-force-failover-prod"),
        put(Period=10),
    ),
    "a status that is kept while the observer does not run": (
        "ActivePassive-Route53HealthSilence",
        named("AWS::Events::Rule", "serverless-observe-prod"),
        put(State="DISABLED"),
    ),
    "a status that is kept while the observer seldom runs": (
        "ActivePassive-Route53HealthSilence",
        named("AWS::Events::Rule", "serverless-observe-prod"),
        put(ScheduleExpression="rate(1 day)"),
    ),
    "a status that is kept for a metric nobody publishes": (
        "ActivePassive-Route53HealthSilence",
        named(ALARM, "serverless-force-failover-prod"),
        put(Dimensions=[]),
    ),
    "a schedule that is off": (
        "ActivePassive-EventsRule",
        named("AWS::Events::Rule", "serverless-observe-prod"),
        put(State="DISABLED"),
    ),
    "an issuer that asks the other region": (
        "ActivePassive-CrossRegionReferences",
        named("AWS::Lambda::Function", "serverless-issuer-prod"),
        lambda it: it["Environment"]["Variables"].update(PEER_ONE="us-east-1", PEER_TWO="us-west-2"),
    ),
}


@pytest.mark.parametrize("damage", WRONG)
def test_each_damage_to_the_routing_of_the_primary_fails(damage: str, ours: Templates) -> None:
    rule, which, change = WRONG[damage]
    assert red(rule, damaged(ours, which, change))


def test_composite_alarm_as_health_check_fails(ours: Templates) -> None:
    copies = tuple(replace(each, body=copy.deepcopy(each.body)) for each in ours)
    for each in copies:
        for resource in filter(named(ALARM, "serverless-peer-unhealthy-prod"), each.body["Resources"].values()):
            resource["Type"] = "AWS::CloudWatch::CompositeAlarm"
    assert red("ActivePassive-Route53Health", copies)


def _secondary_check(ours: Templates, region: str) -> Callable[[dict[str, Any]], bool]:
    by_id = {
        logical_id: resource
        for each in ours
        if each.region == region
        for logical_id, resource in each.body["Resources"].items()
    }
    records = [it for it in by_id.values() if it["Type"] == "AWS::Route53::RecordSet"]
    record = next(it["Properties"] for it in records if it["Properties"].get("Failover") == "SECONDARY")
    meant = by_id[record["HealthCheckId"]["Fn::GetAtt"][0]]["Properties"]
    return lambda it: it["Type"] == CHECK and it["Properties"] == meant


ON_THE_PRIMARY: Mapping[str, dict[str, Any]] = {
    "its alarm": {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Name": "serverless-peer-unhealthy-prod", "Region": "us-east-1"},
    },
    "its endpoint": {"Type": "HTTPS", "FullyQualifiedDomainName": "us-east-1.ingest.example.com"},
    "its output": {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": {
            "Fn::GetStackOutput": {
                "StackName": "serverless-regional-prod",
                "OutputName": "ApiHost",
                "Region": "us-east-1",
            }
        },
    },
}


@pytest.mark.parametrize("signal", ON_THE_PRIMARY)
def test_secondary_check_that_depends_on_the_primary_fails(signal: str, ours: Templates) -> None:
    which = _secondary_check(ours, "us-west-2")
    broken = damaged(ours, which, put(HealthCheckConfig=ON_THE_PRIMARY[signal]), region="us-west-2")
    assert red("ActivePassive-Route53RecordSecondary", broken)
