"""Route 53: health checks with a state, private zones, and tags.

Faithful: `AWS::Route53::HealthCheck` of types HTTP(S), CLOUDWATCH_METRIC and CALCULATED, inverted or disabled, with
its tags; in a cloud with health checkers, each endpoint is checked at its RequestInterval, and FailureThreshold consecutive
checks change its state; without them, each request for the status makes one check. An HTTP API's host name is called on this
server, every other host unchanged. A check on an alarm copies the alarm's settings when it is created, or when its
AlarmIdentifier is updated, and does not follow later changes of the alarm; it reads the metric, not the alarm's state, and
InsufficientDataHealthStatus is the state without data; a hosted zone with VPCs is private; failover records;
`AWS::Route53::RecordSetGroup`; a name server (see `name_server`).
Different from AWS: one checker, here, instead of many around the world; GetHealthCheckStatus returns its state instead of
each one's last check.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import asyncio
import copy
import re
import time
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch, route53
from ministack.services.cloudformation import provisioners

from local_cloud.shims import _api, _templates, health_checkers
from local_cloud.shims._api import truthful

_STATUS_PATH: Final = re.compile(r"^/2013-04-01/healthcheck/(?P<id>[^/]+)/status$")
_BOOLEANS: Final = ("MeasureLatency", "Inverted", "Disabled", "EnableSNI")
_COPIED: Final = (
    "EvaluationPeriods", "Threshold", "ComparisonOperator", "Period", "MetricName", "Namespace", "Statistic",
)  # fmt: skip
_NUMBERS: Final = ("Port", "RequestInterval", "FailureThreshold", "HealthThreshold")


def install() -> None:
    """Add the types and the status."""
    _templates.define("AWS::Route53::HealthCheck", create=_create, update=_update, delete=_delete)
    _templates.define("AWS::Route53::RecordSetGroup", create=_create_group, update=_update_group, delete=_delete_group)
    _templates.extend("AWS::Route53::HostedZone", _apply_zone, before_delete=_require_empty_zone)
    _answer_status()
    _understand_lists()
    _write_booleans()
    _copy_alarms()
    _write_copies()


def hold_zone(identity: str, name: str) -> None:
    """Create an initial public hosted zone with this id, because the API would choose another."""
    normal = route53._normalise_name(name)
    zone = {"id": identity, "name": normal, "caller_reference": identity, "comment": "", "private": False, "vpcs": []}
    route53._zones[identity] = zone
    route53._records[identity] = route53._default_records(normal)


def _create(check: _templates.Resource) -> tuple[str, _templates.Attributes]:
    client = _api.client("route53")
    reference = f"{check.stack_name}-{check.logical_id}-{time.time_ns()}"
    answer = client.create_health_check(
        CallerReference=reference, HealthCheckConfig=_configuration(check.properties["HealthCheckConfig"])
    )
    identity = answer["HealthCheck"]["Id"]
    _tag(client, "healthcheck", identity, check, "HealthCheckTags")
    return identity, {"HealthCheckId": identity}


def _update(check: _templates.Resource) -> _templates.Attributes:
    configuration = _configuration(check.properties["HealthCheckConfig"])
    # Type and RequestInterval cannot be updated; a template that changes them needs a new resource.
    fixed = ("Type", "RequestInterval", "MeasureLatency")
    before = _configuration(check.previous["HealthCheckConfig"])
    if any(configuration.get(name) != before.get(name) for name in fixed):
        raise ValueError(f"{', '.join(fixed)} of a health check cannot change; give the resource a new logical id.")
    client = _api.client("route53")
    changes = {name: value for name, value in configuration.items() if name not in fixed}
    client.update_health_check(HealthCheckId=check.physical_id, **changes)
    _tag(client, "healthcheck", check.physical_id, check, "HealthCheckTags")
    return {"HealthCheckId": check.physical_id}


def _delete(identity: str, _properties: _templates.Properties) -> None:
    client = _api.client("route53")
    try:
        client.delete_health_check(HealthCheckId=identity)
    except client.exceptions.NoSuchHealthCheck:
        return


def _configuration(properties: dict[str, Any]) -> dict[str, Any]:
    values = truthful(properties, *_BOOLEANS)
    return {name: int(value) if name in _NUMBERS else value for name, value in values.items()}


def _tag(client: Any, kind: str, identity: str, resource: _templates.Resource, name: str) -> None:  # noqa: ANN401
    wanted = resource.properties.get(name, [])
    stale = {tag["Key"] for tag in resource.previous.get(name, [])} - {tag["Key"] for tag in wanted}
    changes: dict[str, Any] = {}
    if wanted:
        changes["AddTags"] = wanted
    if stale:
        changes["RemoveTagKeys"] = sorted(stale)
    if changes:
        client.change_tags_for_resource(ResourceType=kind, ResourceId=identity, **changes)


def _apply_zone(zone: _templates.Resource) -> _templates.Attributes:
    client = _api.client("route53")
    record = route53._zones[zone.physical_id]
    if vpcs := zone.properties.get("VPCs"):
        # The stock handler makes every zone public, and a public zone takes no VPC through the API.
        record["private"] = True
        record["vpcs"] = [{"VPCRegion": vpc["VPCRegion"], "VPCId": vpc["VPCId"]} for vpc in vpcs]
    _tag(client, "hostedzone", zone.physical_id, zone, "HostedZoneTags")
    return {}


def _require_empty_zone(zone_id: str, _properties: _templates.Properties) -> None:
    own = {"NS", "SOA"}
    left = [record["Name"] for record in route53._records.get(zone_id, []) if record["Type"] not in own]
    if left:
        raise ValueError(f"HostedZoneNotEmpty: the zone {zone_id} still holds {left}.")


def _create_group(group: _templates.Resource) -> tuple[str, _templates.Attributes]:
    for properties in _members(group.properties):
        provisioners._r53_record_set_create(group.logical_id, properties, group.stack_name)
    return group.generated_name(), {}


def _update_group(group: _templates.Resource) -> _templates.Attributes:
    _delete_group(group.physical_id, group.previous)
    _create_group(group)
    return {}


def _delete_group(_identity: str, properties: _templates.Properties) -> None:
    for member in _members(properties):
        provisioners._r53_record_set_delete(member["Name"], member)


def _members(properties: _templates.Properties) -> list[dict[str, Any]]:
    zone: dict[str, Any] = {name: properties[name] for name in ("HostedZoneId", "HostedZoneName") if name in properties}
    return [{**zone, **record} for record in properties.get("RecordSets", [])]


def _answer_status() -> None:
    stock = route53.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        asked = _STATUS_PATH.match(path)
        if method == "GET" and asked:
            if asked["id"] not in route53._health_checks:
                return route53._error_response("NoSuchHealthCheck", f"There is no health check {asked['id']}.", 404)
            # Asking an endpoint of this server from its own event loop would wait for itself.
            return route53._xml_response(
                "GetHealthCheckStatusResponse",
                _status_body(*await asyncio.to_thread(health_checkers.checkers.state, asked["id"])),
            )
        return await stock(method, path, headers, body, query)

    route53.handle_request = handle


def _understand_lists() -> None:
    """Read the ids of children; the stock parser searches for an id inside the element that is the id."""
    stock = route53._parse_health_check_config

    def parse(element: Element) -> dict[str, Any]:
        configuration: dict[str, Any] = stock(element)
        for name, member in (("ChildHealthChecks", "ChildHealthCheck"), ("Regions", "Region")):
            if (found := route53._find(element, name)) is not None:
                configuration[name] = [entry.text or "" for entry in route53._findall(found, member)]
        return configuration

    route53._parse_health_check_config = parse


def _write_booleans() -> None:
    """Write booleans in lower case; no SDK reads the stock writer's True as true."""
    stock = route53._build_health_check_el

    def build(parent: Element, check: dict[str, Any]) -> None:
        stock(parent, check)
        for name in _BOOLEANS:
            for element in parent[-1].iter(name):
                element.text = (element.text or "").lower()

    route53._build_health_check_el = build


def _copy_alarms() -> None:
    """Copy an alarm's settings when a health check on it is created or updated."""
    stock = route53._parse_health_check_config

    def parse(element: Element) -> dict[str, Any]:
        configuration: dict[str, Any] = stock(element)
        if identifier := configuration.get("AlarmIdentifier"):
            alarm = cloudwatch._alarms.get_scoped(get_account_id(), identifier["Region"], identifier["Name"])
            configuration[health_checkers.COPY] = copy.deepcopy(alarm)
        return configuration

    route53._parse_health_check_config = parse


def _write_copies() -> None:
    """Return the copy in GetHealthCheck as CloudWatchAlarmConfiguration."""
    stock = route53._build_health_check_el

    def build(parent: Element, check: dict[str, Any]) -> None:
        stock(parent, check)
        alarm = check["config"].get(health_checkers.COPY)
        if alarm is None:
            return
        shown = SubElement(parent[-1], "CloudWatchAlarmConfiguration")
        for name in _COPIED:
            SubElement(shown, name).text = str(alarm[name])
        dimensions = SubElement(shown, "Dimensions")
        for dimension in alarm.get("Dimensions") or []:
            member = SubElement(dimensions, "Dimension")
            for name in ("Name", "Value"):
                SubElement(member, name).text = dimension[name]

    route53._build_health_check_el = build


def _status_body(healthy: bool, text: str) -> Any:  # noqa: ANN401, FBT001  a builder of ministack's
    def build(root: Element) -> None:
        observation = SubElement(SubElement(root, "HealthCheckObservations"), "HealthCheckObservation")
        SubElement(observation, "Region").text = "us-east-1"
        SubElement(observation, "IPAddress").text = "127.0.0.1"
        report = SubElement(observation, "StatusReport")
        SubElement(report, "Status").text = f"{'Success' if healthy else 'Failure'}: {text}"
        SubElement(report, "CheckedTime").text = route53._now_iso()

    return build
