"""A VPC logs all accepted and rejected traffic, to an encrypted destination that keeps it."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.log_groups import log_group_of
from compliance.cfn.arns import find
from compliance.cfn.reading import branches, require_text
from compliance.cfn.references import follow, is_there_with, named, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.findings import Verdict
from compliance.engine.rule import Rule, rule_from
from compliance.rules.logs.required import LOG_GROUP
from compliance.rules.s3.encryption import RULE as BUCKET_ENCRYPTION

_VPC: Final = "AWS::EC2::VPC"
_FLOW_LOG: Final = "AWS::EC2::FlowLog"
_GROUPS: Final = "cloud-watch-logs"
"""Default destination of EC2, without a LogDestinationType."""
_FIELDS: Final = ("srcaddr", "dstaddr", "dstport", "action")
_DESTINATIONS: Final = {
    _GROUPS: ("AWS::Logs::LogGroup", {"ActivePassive-LogsGroup": LOG_GROUP}),
    "s3": ("AWS::S3::Bucket", {"ActivePassive-S3Encryption": BUCKET_ENCRYPTION}),
}
"""The type of each destination, and the rules on its encryption and retention.

That the destination itself outlives its stack is what ActivePassive-CrossRegionRetention asks.
"""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == _FLOW_LOG:
        yield from _of_delivery(resource.properties, resource, world)
    else:
        yield from _of_network(resource, world)


def _of_network(vpc: Resource, world: TemplateSet) -> Iterator[str]:
    """Require one complete flow log; a second one may record less."""
    faults: list[str] = []
    unknown: list[str] = []
    for log in of_type(world, _FLOW_LOG, region=vpc.template.region):
        try:
            found = _faults(log, vpc, world)
        except UnresolvedError as error:
            unknown.append(f"{log.path}: {error}")
            continue
        if found == []:
            return
        faults += found or []
    if unknown:
        raise UnresolvedError("; ".join(unknown))
    yield from faults or ["it has no flow log, so nobody can tell who sent what to whom; set TrafficType ALL on one"]


def _faults(log: Resource, vpc: Resource, world: TemplateSet) -> list[str] | None:
    """Return what is wrong with a flow log; None if it is of another network."""
    versions = list(branches(log.properties))
    watching = [properties for properties in versions if _watches(properties, log, vpc, world)]
    if not watching:
        return None
    found = [fault for properties in watching for fault in _of_version(properties, log, world)]
    if len(watching) < len(versions) or not is_there_with(log, vpc):
        found.append("is there on a condition only")
    return [f"{log.path} {fault}" for fault in dict.fromkeys(found)]


def _watches(properties: Mapping[str, Json], log: Resource, vpc: Resource, world: TemplateSet) -> bool:
    watched = properties.get("ResourceId")
    target = named(watched, log.template, world)
    if target is not None:
        return target.template is vpc.template and target.logical_id == vpc.logical_id
    if is_absent(watched) or isinstance(watched, str):
        return False  # The id of a network that is there already, so of none in these templates.
    raise UnresolvedError(f"the templates do not say which network ResourceId, {describe(watched)}, is")


def _of_version(properties: Mapping[str, Json], log: Resource, world: TemplateSet) -> Iterator[str]:
    traffic = require_text(properties.get("TrafficType"), "TrafficType")
    if traffic != "ALL":
        yield f"records TrafficType {traffic}; it must be ALL" if traffic else "has no TrafficType; it must be ALL"
    told = require_text(properties.get("LogFormat"), "LogFormat")
    if told and (missing := [field for field in _FIELDS if f"${{{field}}}" not in told]):
        yield f"has a LogFormat without {', '.join(missing)}, so nobody can tell who sent what to whom; leave it out"
    yield from _of_delivery(properties, log, world)


def _of_delivery(properties: Mapping[str, Json], log: Resource, world: TemplateSet) -> Iterator[str]:
    kind = require_text(properties.get("LogDestinationType"), "LogDestinationType") or _GROUPS
    if kind not in _DESTINATIONS:
        raise UnresolvedError(f"LogDestinationType is {kind}, so whether what is delivered is kept encrypted is unknown")
    if kind == _GROUPS and is_absent(properties.get("DeliverLogsPermissionArn")):
        yield "has no DeliverLogsPermissionArn, the role without which EC2 may not write to a log group"
    destination = _destination(properties, kind, log, world)
    if not is_there_with(destination, log):
        yield f"delivers to {destination.path}, which is there on a condition only"
    for name, rule in _DESTINATIONS[kind][1].items():
        judgement = rule.judge(destination, world)
        if judgement.verdict is Verdict.FAIL:
            yield f"delivers to {destination.path}, which fails {name}: {judgement.message}"
        elif judgement.verdict is Verdict.NOT_EVALUATED:
            raise UnresolvedError(f"{name} cannot judge {destination.path}: {judgement.message}")


def _destination(properties: Mapping[str, Json], kind: str, log: Resource, world: TemplateSet) -> Resource:
    value = properties.get("LogGroupName") if kind == _GROUPS else None
    value = properties.get("LogDestination") if value is None else value
    if kind == _GROUPS:
        found = log_group_of(value, log.template, world)
    else:
        followed, template = follow(value, log.template, world)
        folderless = {"Fn::Sub": render(followed, template).partition("/")[0]}
        found = find(folderless, template, world, _DESTINATIONS[kind][0])
    if found is None:
        raise UnresolvedError(f"destination {describe(value)} is in none of the templates, so how it keeps logs is unknown")
    return found


RULE = Rule(
    title="Every VPC has a flow log of all traffic, to a destination that is encrypted and keeps it",
    why=(
        "A flow log of rejected traffic alone does not show who came in or what was sent out. After an intrusion nobody can "
        "find out what was taken, least of all in the passive region."
    ),
    fix=(
        "Create an AWS::EC2::FlowLog of the VPC with TrafficType ALL. Deliver to a log group with KmsKeyId and "
        "RetentionInDays by a role in DeliverLogsPermissionArn, or to a bucket encrypted with a customer managed key, both "
        "in the judged templates."
    ),
    judge=rule_from(_violations, _VPC, _FLOW_LOG),
    controls=nist("AU-2", "AU-3", "AU-12", "SI-4")
    + hipaa("164.308(a)(1)(ii)(D)", "164.312(b)")
    + pci("10.1", "10.2", "10.3"),
)
