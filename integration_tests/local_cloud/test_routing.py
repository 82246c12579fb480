"""Test the health checkers, and the name server, which answers by their results."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.conftest import FACTOR, MINUTE
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, deploy, function, impatient, until
from integration_tests.local_cloud.test_functions import api
from integration_tests.local_cloud.test_monitoring import alarm, health, put
from local_cloud import regions
from local_cloud.clock import clock
from local_cloud.shims import health_checkers

if TYPE_CHECKING:
    from local_cloud import LocalCloud

ELSEWHERE = "eu-central-1"
INTERVAL = 10 / FACTOR


def endpoint_check(host: str) -> dict[str, Any]:
    return cfn.ready_check(host, RequestInterval=10, FailureThreshold=3)


def record(word: str, which: str, region: str) -> dict[str, Any]:
    value, kind = (f'"{region}"', "TXT") if word == "region" else (f"{region}.example", "CNAME")
    properties = {
        "HostedZoneId": cfn.ref("Zone"),
        "Name": {"Fn::Sub": f"{word}.${{AWS::StackName}}.test."},
        "Type": kind,
        "TTL": "60",
        "SetIdentifier": which,
        "Failover": which,
        "ResourceRecords": [value],
        "HealthCheckId": cfn.ref(f"{which.capitalize()}Healthy"),
    }
    return cfn.resource("Route53::RecordSet", **properties)


class Site(NamedTuple):
    """Two regions' APIs, an alarm in the second one, and the records that depend on them."""

    cloud: LocalCloud
    primary: Stack
    secondary: Stack
    global_: Stack

    def ask(self, name: str, kind: str) -> dns.message.Message:
        return ask(self.cloud, f"{name}.{self.global_.name}.test", kind)

    def active(self) -> str:
        (answer,) = self.ask("region", "TXT").answer
        return str(answer[0]).strip('"')


def ask(cloud: LocalCloud, name: str, kind: str) -> dns.message.Message:
    address, port = cloud.health()["name_server"].split(":")
    return dns.query.udp(dns.message.make_query(name, kind), address, port=int(port), timeout=3)


@pytest.fixture(scope="module")
def built(fast: LocalCloud) -> Site:
    ends = {region: deploy(fast, api("NONE"), {"Host": cfn.HOST}, region=region) for region in (EAST, WEST)}
    forced = deploy(fast, {"Forced": alarm(Namespace="Test", MetricName="Forced", TreatMissingData="ignore")}, region=WEST)
    alarm_check = cfn.health_check(
        Type="CLOUDWATCH_METRIC",
        AlarmIdentifier={"Name": forced["Forced"], "Region": WEST},
        InsufficientDataHealthStatus="LastKnownStatus",
    )
    resources = {
        "Zone": cfn.resource("Route53::HostedZone", Name={"Fn::Sub": "${AWS::StackName}.test"}),
        "Ready": endpoint_check(ends[EAST].outputs()["Host"]),
        "NotForced": alarm_check,
        "PrimaryHealthy": cfn.health_check(
            Type="CALCULATED", ChildHealthChecks=[cfn.ref("Ready"), cfn.ref("NotForced")], HealthThreshold=2
        ),
        "SecondaryHealthy": endpoint_check(ends[WEST].outputs()["Host"]),
        **{
            f"{which}{word}": record(word, which.upper(), region)
            for word in ("region", "active")
            for which, region in (("Primary", EAST), ("Secondary", WEST))
        },
    }
    return Site(fast, ends[EAST], ends[WEST], deploy(fast, resources, region=ELSEWHERE))


@pytest.fixture
def site(built: Site) -> Iterator[Site]:
    """The site, which is undamaged with the first region active before and after each test."""
    assert until(lambda: built.active() == EAST)
    yield built
    for region in (EAST, WEST):
        built.cloud.region_up(region)
    put(built.secondary, "Forced", 0)
    assert until(lambda: built.active() == EAST)


def test_failover_record_answers_the_primary_while_it_is_healthy(site: Site) -> None:
    (text,) = site.ask("region", "TXT").answer
    assert (str(text[0]), text.ttl) == (f'"{EAST}"', 60 / FACTOR)
    for kind in ("CNAME", "A"):
        response = site.ask("active", kind)
        assert [str(answer[0]) for answer in response.answer] == [f"{EAST}.example."]
        assert response.flags & dns.flags.AA


def test_check_changes_its_state_after_its_threshold_of_failures(site: Site) -> None:
    began = time.monotonic()
    site.cloud.region_down(EAST)
    assert until(lambda: health(site.global_, "Ready").startswith("Failure: HTTP status code 503"))
    assert time.monotonic() - began >= 2 * INTERVAL
    assert until(lambda: site.active() == WEST)
    began = time.monotonic()
    site.cloud.region_up(EAST)
    assert until(lambda: site.active() == EAST)
    assert time.monotonic() - began >= 2 * INTERVAL


def test_single_failed_check_changes_nothing(site: Site) -> None:
    # Too long to be missed by every check, too short for three of them.
    site.cloud.region_down(EAST)
    until(lambda: False, seconds=1.5 * INTERVAL)
    site.cloud.region_up(EAST)
    assert not until(lambda: site.active() == WEST, seconds=4 * INTERVAL)


def test_answer_is_the_primary_when_neither_is_healthy(site: Site) -> None:
    broken = function("def handler(event, context): raise ValueError", "Role")
    site.secondary.update({**api("NONE"), "Function": broken}, {"Host": cfn.HOST})
    assert until(lambda: health(site.global_, "SecondaryHealthy").startswith("Failure"))
    site.cloud.region_down(EAST)
    assert until(lambda: health(site.global_, "PrimaryHealthy").startswith("Failure"))
    assert site.active() == EAST
    site.secondary.update(api("NONE"), {"Host": cfn.HOST})
    assert until(lambda: site.active() == WEST)


def test_metric_of_the_other_region_fails_over_and_holds_in_silence(site: Site) -> None:
    put(site.secondary, "Forced", 1)
    assert until(lambda: site.active() == WEST)
    # The datapoint has left the evaluation range by then.
    assert not until(lambda: site.active() == EAST, seconds=5 * MINUTE)
    assert health(site.global_, "NotForced").startswith("Failure: no data")
    put(site.secondary, "Forced", 0)
    assert until(lambda: site.active() == EAST)


def _on(alarm_name: str) -> dict[str, Any]:
    identifier = {"Name": alarm_name, "Region": WEST}
    return cfn.health_check(Type="CLOUDWATCH_METRIC", AlarmIdentifier=identifier, InsufficientDataHealthStatus="Healthy")


def _alarm_above(threshold: float) -> dict[str, Any]:
    return {"Level": alarm(Namespace="Test", MetricName="Level", Threshold=threshold, TreatMissingData="ignore")}


def test_health_check_follows_its_alarm_only_when_it_is_replaced(fast: LocalCloud) -> None:
    watched = deploy(fast, _alarm_above(10), region=WEST)
    calculated = {"ChildHealthChecks": [cfn.ref("First")], "HealthThreshold": 1}
    standing = {"First": _on(watched["Level"]), "Primary": cfn.health_check(Type="CALCULATED", **calculated)}
    stack = deploy(fast, standing, region=ELSEWHERE)
    before = stack["First"]
    put(watched, "Level", 5)
    watched.update(_alarm_above(1))
    route53 = stack.client("route53")
    copied = route53.get_health_check(HealthCheckId=before)["HealthCheck"]["CloudWatchAlarmConfiguration"]
    assert (copied["Threshold"], copied["MetricName"], copied["Dimensions"]) == (10.0, "Level", [])
    assert health(stack, "Primary").startswith("Success"), "the new threshold never reached the check"
    calculated["ChildHealthChecks"] = [cfn.ref("Second")]
    put(watched, "Level", 5)
    stack.update({"Second": _on(watched["Level"]), "Primary": cfn.health_check(Type="CALCULATED", **calculated)})
    assert (
        route53.get_health_check(HealthCheckId=stack["Second"])["HealthCheck"]["CloudWatchAlarmConfiguration"]["Threshold"]
        == 1.0
    )
    assert until(lambda: health(stack, "Primary").startswith("Failure"))
    with pytest.raises(ClientError, match="NoSuchHealthCheck"):
        route53.get_health_check(HealthCheckId=before)


def test_region_that_is_down_stores_and_returns_no_metrics(site: Site) -> None:
    client = impatient(site.cloud, "cloudwatch", WEST)
    site.cloud.region_down(WEST)
    with pytest.raises(ClientError, match="503"):
        client.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Forced", "Value": 1}])
    assert health(site.global_, "NotForced").startswith("Success: no data")
    assert site.active() == EAST


def test_missing_name_is_answered_as_dns_answers_it(site: Site) -> None:
    assert site.ask("nothing", "TXT").rcode() == dns.rcode.NXDOMAIN
    there_of_another_type = site.ask("region", "MX")
    assert (there_of_another_type.rcode(), there_of_another_type.answer) == (dns.rcode.NOERROR, [])
    assert ask(site.cloud, "example.com", "A").rcode() == dns.rcode.REFUSED
    assert len(ask(site.cloud, f"{site.global_.name}.test", "NS").answer[0]) == 4


@pytest.mark.parametrize("rubbish", [b"", b"x", b"\xff" * 64])
def test_invalid_query_is_dropped_and_the_next_one_answered(site: Site, rubbish: bytes) -> None:
    address, port = site.cloud.health()["name_server"].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaking:
        speaking.sendto(rubbish, (address, int(port)))
    assert site.active() == EAST


def test_name_server_without_checkers_checks_on_each_query(cloud: LocalCloud) -> None:
    resources = {
        "Zone": cfn.resource("Route53::HostedZone", Name={"Fn::Sub": "${AWS::StackName}.test"}),
        "PrimaryHealthy": cfn.health_check(Type="HTTP", IPAddress="127.0.0.1", Port=9),
        "SecondaryHealthy": cfn.health_check(Type="HTTP", IPAddress="127.0.0.1", Port=9, Inverted=True),
        "One": record("region", "PRIMARY", EAST),
        "Two": record("region", "SECONDARY", WEST),
    }
    stack = deploy(cloud, resources)
    (answer,) = ask(cloud, f"region.{stack.name}.test", "TXT").answer
    assert (str(answer[0]), answer.ttl) == (f'"{WEST}"', 60)


@pytest.mark.parametrize(
    ("host", "state", "seconds"),
    [
        ("abc.execute-api.us-east-1.amazonaws.com", "down", 0.4),
        ("abc.execute-api.us-east-1.amazonaws.com", "stalled", 0.4),
        ("abc.execute-api.us-east-1.amazonaws.com", "", 4.0),
        ("abc.execute-api.us-west-2.amazonaws.com", "down", 4.0),
        ("api.example", "down", 4.0),
    ],
)
def test_check_of_a_lost_region_gives_up_by_the_clock(
    host: str, state: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "factor", 10.0)
    monkeypatch.setattr(regions, "current", SimpleNamespace(**{"down": set(), "stalled": set()} | {state: {EAST}}))
    assert health_checkers.timeout_of(host) == seconds
