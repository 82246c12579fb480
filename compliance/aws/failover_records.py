"""Failover records and the health checks that decide between them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from compliance.aws.alarms import ALARM, COMPOSITE, named_alarms
from compliance.cfn.arns import regions_of
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import Located, follow, is_known, named, of_type, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent

RECORD: Final = "AWS::Route53::RecordSet"
GROUP: Final = "AWS::Route53::RecordSetGroup"
HEALTH_CHECK: Final = "AWS::Route53::HealthCheck"
PRIMARY: Final = "PRIMARY"
SECONDARY: Final = "SECONDARY"

_OTHER_ROUTING: Final = (
    "Weight", "Region", "GeoLocation", "GeoProximityLocation", "MultiValueAnswer", "CidrRoutingConfig",
)  # fmt: skip
"""The settings of record sets that choose among several by something else than who is the active region."""
_ZONE: Final = ("HostedZoneId", "HostedZoneName")
_CALCULATED: Final = "CALCULATED"
CLOUDWATCH_METRIC: Final = "CLOUDWATCH_METRIC"
_DEPTH: Final = 4
"""Route 53 lets no calculated check stand on another calculated one; deeper is a circle."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One version of a record set; of those that fail over, but for `routed_otherwise`.

    Attributes:
        owner: The resource that holds it: a record set, or a group of them.
        settings: The record's properties, free of conditions.
        place: What messages call it.
    """

    owner: Resource
    settings: Mapping[str, Json]
    place: str

    @property
    def template(self) -> Template:
        """Template of the record."""
        return self.owner.template

    @property
    def role(self) -> str | None:
        """`PRIMARY` or `SECONDARY`, if the template is right."""
        return require_text(self.settings.get("Failover"), f"Failover of {self.place}")

    @property
    def name(self) -> str:
        """The domain name as DNS compares it."""
        return render(self.settings.get("Name"), self.template).rstrip(".").lower()

    @property
    def type(self) -> str:
        """For example `A`."""
        return render(self.settings.get("Type"), self.template)

    @property
    def is_alias(self) -> bool:
        """Whether it answers with what an AWS resource's name answers."""
        return not is_absent(self.settings.get("AliasTarget"))

    @property
    def targets(self) -> list[Json]:
        """Values that the record answers with."""
        if self.is_alias:
            return [require_mapping(self.settings["AliasTarget"], f"AliasTarget of {self.place}").get("DNSName")]
        return list(require_list(self.settings.get("ResourceRecords"), f"ResourceRecords of {self.place}"))


def is_failover(resource: Resource, _world: TemplateSet) -> bool:
    """Return whether one version of a resource is a failover record, or holds one."""
    return any(True for _ in records_in(resource))


def records_in(resource: Resource) -> Iterator[Record]:
    """Yield the failover records of one version of a resource, free of conditions."""
    for record in _record_sets(resource):
        if not is_absent(record.settings.get("Failover")):
            yield record


def routed_otherwise(resource: Resource) -> Iterator[tuple[Record, str]]:
    """Yield a resource's records by which several places answer at once, each with the setting that says so."""
    for record in _record_sets(resource):
        for name in _OTHER_ROUTING:
            value = record.settings.get(name)
            if not is_absent(value) and value is not False and value != "false":  # MultiValueAnswer may be off
                yield record, name


def _record_sets(resource: Resource) -> Iterator[Record]:
    if resource.type == RECORD:
        yield Record(owner=resource, settings=resource.properties, place=resource.path)
    elif resource.type == GROUP:
        zone = {key: value for key, value in resource.properties.items() if key in _ZONE}
        for index, part in enumerate(require_list(resource.properties.get("RecordSets"), "RecordSets")):
            settings = require_mapping(part, f"RecordSets[{index}]")
            yield Record(owner=resource, settings={**zone, **settings}, place=f"{resource.path}[{index}]")


def all_records(world: TemplateSet) -> Iterator[Record]:
    """Yield every version of every failover record of the world."""
    for resource in of_type(world, RECORD, GROUP):
        for properties in branches(resource.properties):
            yield from records_in(replace(resource, properties=properties))


def same_question(one: Record, other: Record) -> bool:
    """Return whether both records answer the same question: one name, type and hosted zone.

    Raises:
        UnresolvedError: Two names or zones that only a deployment knows, in different templates, may be the same.
    """
    if one.type != other.type:
        return False
    for key in ("Name", *_ZONE):
        mine, theirs = _comparable(one, key), _comparable(other, key)
        if mine == theirs and (is_known(mine) or one.template is other.template):
            continue
        if is_known(mine) and is_known(theirs):
            return False
        if one.template is not other.template:
            raise UnresolvedError(f"the templates do not say whether {one.place} and {other.place} have the same {key}")
        return False
    return True


def _comparable(record: Record, key: str) -> str:
    if key == "Name":
        return record.name
    value = record.settings.get(key)
    if is_absent(value):
        return ""
    return render(value, record.template).rpartition("/")[2].rstrip(".")


def health_check_of(record: Record, world: TemplateSet) -> Resource | None:
    """Return the record's health check; None if it has none.

    Raises:
        UnresolvedError: It is in none of the templates.
    """
    value = record.settings.get("HealthCheckId")
    if is_absent(value):
        return None
    check = named(value, record.template, world)
    if check is None or check.type != HEALTH_CHECK:
        raise UnresolvedError(f"the health check {describe(value)} of {record.place} is in none of the templates")
    return check


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Endpoint or alarm on which a health check finally depends.

    Attributes:
        check: The health check that asks.
        kind: Its type, for example `HTTPS` or `CLOUDWATCH_METRIC`.
        settings: Its configuration, free of conditions.
        is_direct: Whether no calculated check stands between.
    """

    check: Resource
    kind: str
    settings: Mapping[str, Json]
    is_direct: bool

    @property
    def endpoint(self) -> Json:
        """The name or address that is asked; None for an alarm."""
        return self.settings.get("FullyQualifiedDomainName") or self.settings.get("IPAddress")


def signals(check: Resource, world: TemplateSet, depth: int = 0) -> Iterator[Signal]:
    """Yield what a health check depends on, through calculated checks and both branches of every condition.

    Raises:
        UnresolvedError: A part of it is in none of the templates, or is not spelled out.
    """
    if depth > _DEPTH:
        raise UnresolvedError(f"{check.path} depends on itself")
    for properties in branches(check.properties):
        settings = require_mapping(properties.get("HealthCheckConfig"), f"HealthCheckConfig of {check.path}")
        kind = require_text(settings.get("Type"), f"Type of {check.path}") or ""
        if kind != _CALCULATED:
            yield Signal(check=check, kind=kind, settings=settings, is_direct=depth == 0)
            continue
        for value in require_list(settings.get("ChildHealthChecks"), f"ChildHealthChecks of {check.path}"):
            child = named(value, check.template, world)
            if child is None or child.type != HEALTH_CHECK:
                raise UnresolvedError(f"{describe(value)}, on which {check.path} stands, is in none of the templates")
            yield from signals(child, world, depth + 1)


def alarms_behind(name: Json, region: str, check: Resource, world: TemplateSet) -> list[Resource]:
    """Return the alarms of a region that a health check may mean by a name.

    Raises:
        UnresolvedError: None of the templates holds it.
    """
    target = named(name, check.template, world)
    if target is not None and target.type in {ALARM, COMPOSITE}:
        return [target]
    found = named_alarms(render(name, check.template), region, world)
    if not found:
        raise UnresolvedError(f"alarm {describe(name)} in {region} is in none of the templates")
    return found


def region_behind(value: Json, template: Template, world: TemplateSet) -> str | None:
    """Return the region that a target or an endpoint is in, as far as the templates tell: None where they do not.

    It is the region of the stack whose output or resource it is, or the one whose name is in the text.
    """
    match value:
        case {"Fn::GetStackOutput": {"Region": region}}:
            return render(region, template)
        case {"Fn::GetStackOutput": _}:
            return template.region or None
    located = follow(value, template, world)
    if located.template is not template or named(located.value, located.template, world) is not None:
        return located.template.region or None
    return _region_in(located, world)


def _region_in(located: Located, world: TemplateSet) -> str | None:
    text = render(located.value, located.template)
    found = [region for region in regions_of(world) if re.search(rf"(?<![a-z0-9]){re.escape(region)}(?![0-9])", text)]
    if len(found) == 1:
        return found[0]
    return None


def region_of_record(record: Record, world: TemplateSet) -> str | None:
    """Return the region that a record sends clients to; None where the templates do not tell."""
    found = {region_behind(target, record.template, world) for target in record.targets}
    return found.pop() if len(found) == 1 else None
