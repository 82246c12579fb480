"""The audit trail covers every region and all data events, and its files cannot be deleted."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from compliance.aws.log_groups import log_group_of
from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.aws.replication_terms import is_replicated
from compliance.cfn.arns import ACCOUNT, arns_of, find, regions_of, undeclared
from compliance.cfn.reading import branches, require_bool, require_list, require_mapping, require_text
from compliance.cfn.references import of_type, partition, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from
from compliance.rules.s3.required import days_locked, default_retention

_TRAIL: Final = "AWS::CloudTrail::Trail"
_BUCKET: Final = "AWS::S3::Bucket"
_FLAGS: Final = {
    "IsLogging": "it records nothing",
    "IsMultiRegionTrail": "what happens in the other region is not recorded",
    "IncludeGlobalServiceEvents": "what happens in IAM, STS and Route 53 is not recorded",
    "EnableLogFileValidation": "nobody can prove that a log file was not changed",
}
_DATA: Final = {"AWS::S3::Object": "objects in S3", "AWS::DynamoDB::Table": "items in DynamoDB"}
_TABLE: Final = "AWS::DynamoDB::Table"
_OBJECT: Final = "AWS::S3::Object"
_ACCOUNT_NUMBER: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_FIELDS_BEFORE_NAME: Final = 5
"""Colons before a resource's name in its ARN."""
_INCLUDING: Final = ("Equals", "StartsWith")
_EXCLUDING: Final = frozenset({"NotEquals", "NotStartsWith", "NotEndsWith"})
_UNNARROWED: Final = {"eventCategory", "resources.type", "resources.ARN"}
"""Fields of a selector that say what is recorded; any other leaves some of its events out."""


def _violations(trail: Resource, world: TemplateSet) -> Iterator[str]:
    for flag, consequence in _FLAGS.items():
        if not require_bool(trail.properties.get(flag), flag):
            yield f"{flag} is not true; {consequence}"
    if is_absent(trail.properties.get("KMSKeyId")):
        yield "KMSKeyId is not set, so every reader of the bucket can read the log files"
    yield from _of_events(trail)
    yield from _of_scope(trail, world)
    yield from _of_bucket(trail, world)
    group = trail.properties.get("CloudWatchLogsLogGroupArn")
    if not is_absent(group) and log_group_of(group, trail.template, world) is None:
        yield f"CloudWatchLogsLogGroupArn is {undeclared(group, trail.template, world)}, which no template here declares"


def recorded(trail: Resource) -> frozenset[str]:
    """Return the resource types whose data events one version of a trail records, and "Management"."""
    advanced = require_list(trail.properties.get("AdvancedEventSelectors"), "AdvancedEventSelectors")
    plain = require_list(trail.properties.get("EventSelectors"), "EventSelectors")
    if not advanced and not plain:
        return frozenset({"Management"})  # what a trail without selectors records
    return frozenset(_advanced(advanced) if advanced else _plain(plain))


def _of_events(trail: Resource) -> Iterator[str]:
    kinds = recorded(trail)
    if "Management" not in kinds:
        yield "no event selector records all management events"
    for kind, things in _DATA.items():
        if kind not in kinds:
            yield f"no event selector records all reads and writes of {things} (data events of {kind})"


def _of_scope(trail: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield what the ARNs in the selectors of data events leave out: some by name, or a region of the table."""
    covered: set[str] = set()
    for selector in require_list(trail.properties.get("AdvancedEventSelectors"), "AdvancedEventSelectors"):
        fields = require_list(require_mapping(selector, "an event selector").get("FieldSelectors"), "FieldSelectors")
        by_name = {each.get("Field"): each for each in (require_mapping(field, "a field selector") for field in fields)}
        kinds = _equals(by_name.get("resources.type", {}))
        arns = by_name.get("resources.ARN", {})
        for operator in sorted(_EXCLUDING & set(arns)):
            for value in require_list(arns[operator], operator):
                if not _is_own_log(value, trail, world):
                    yield f"a selector of data events leaves out what {operator} {describe(value)} means"
        if _TABLE in kinds:
            named = [value for operator in _INCLUDING for value in require_list(arns.get(operator), operator)]
            covered |= _regions_in([render(value, trail.template) for value in named], world)
    for selector in require_list(trail.properties.get("EventSelectors"), "EventSelectors"):
        for data in require_list(require_mapping(selector, "an event selector").get("DataResources"), "DataResources"):
            resource = require_mapping(data, "a data resource")
            if resource.get("Type") == _TABLE:
                values = require_list(resource.get("Values"), "Values of a data resource")
                covered |= _regions_in([render(value, trail.template) for value in values], world)
    yield from _of_named(trail, world)
    missing = regions_of(world) - covered
    if len(regions_of(world)) > 1 and covered and missing:
        yield f"data events of {_TABLE} are recorded in {_listed(covered)}, not in {_listed(missing)}"


def _of_named(trail: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for each table and replicated bucket that the ARNs in the selectors leave out."""
    for kind, wanted in {_TABLE: _tables(world), _OBJECT: _buckets(world)}.items():
        arns = list(_arns_selected(trail, kind))
        if not arns or "" in arns:
            continue  # all of the kind, or none, which is reported separately
        for arn in wanted:
            if not any(_one_account(arn).startswith(_one_account(each)) for each in arns):
                yield f"no selector of data events records {arn}"


def _arns_selected(trail: Resource, kind: str) -> Iterator[str]:
    """Yield what the ARNs begin with whose data events of a kind are recorded; empty for all."""
    for selector in require_list(trail.properties.get("AdvancedEventSelectors"), "AdvancedEventSelectors"):
        fields = require_list(require_mapping(selector, "an event selector").get("FieldSelectors"), "FieldSelectors")
        by_name = {each.get("Field"): each for each in (require_mapping(field, "a field selector") for field in fields)}
        if kind in _equals(by_name.get("resources.type", {})):
            arns = by_name.get("resources.ARN", {})
            values = [value for operator in _INCLUDING for value in require_list(arns.get(operator), operator)]
            yield from (render(value, trail.template) for value in values or [""])
    for selector in require_list(trail.properties.get("EventSelectors"), "EventSelectors"):
        for data in require_list(require_mapping(selector, "an event selector").get("DataResources"), "DataResources"):
            resource = require_mapping(data, "a data resource")
            if resource.get("Type") == kind:
                for value in require_list(resource.get("Values"), "Values of a data resource"):
                    text = render(value, trail.template)
                    yield "" if text.count(":") < _FIELDS_BEFORE_NAME or text.endswith(":::") else text


def _tables(world: TemplateSet) -> Iterator[str]:
    """Yield the ARN of each replica of each table."""
    for table in of_type(world, GLOBAL_TABLE):
        for arn in arns_of(table):
            for version in branches(table.properties):
                for replica in replicas(dataclasses.replace(table, properties=version), world):
                    yield arn.replace(f":{table.template.region}:", f":{replica.region}:") if table.template.region else arn


def _buckets(world: TemplateSet) -> Iterator[str]:
    """Yield what the ARNs of objects begin with, in each bucket that replicates or is replicated to."""
    for bucket in of_type(world, _BUCKET):
        if is_replicated(bucket, world):
            yield from (f"{arn}/" for arn in arns_of(bucket))


def _one_account(arn: str) -> str:
    return _ACCOUNT_NUMBER.sub(ACCOUNT, arn)


def _regions_in(arns: list[str], world: TemplateSet) -> set[str]:
    """Return the system's regions that ARNs, or what ARNs begin with, reach; without any, all."""
    tables = {region: f"arn:{partition(region)}:dynamodb:{region}:" for region in regions_of(world)}
    return {
        region
        for region, table in tables.items()
        if not arns or any(table.startswith(arn) or arn.startswith(table) for arn in arns)
    }


def _is_own_log(value: Json, trail: Resource, world: TemplateSet) -> bool:
    """Return whether a value means the bucket that the trail writes to, whose events it would otherwise make by itself."""
    text = render(value, trail.template).removesuffix("*").removesuffix("/")
    bucket = find(trail.properties.get("S3BucketName"), trail.template, world, _BUCKET)
    return bucket is not None and find(text, trail.template, world, _BUCKET) is bucket


def _listed(regions: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(regions))


def _plain(selectors: Sequence[Json]) -> Iterator[str]:
    for part in selectors:
        selector = require_mapping(part, "an event selector")
        if (require_text(selector.get("ReadWriteType"), "ReadWriteType") or "All") != "All":
            continue
        if require_bool(selector.get("IncludeManagementEvents"), "IncludeManagementEvents", default=True):
            yield "Management"
        for data in require_list(selector.get("DataResources"), "DataResources"):
            resource = require_mapping(data, "a data resource")
            if require_list(resource.get("Values"), "Values of a data resource"):
                yield require_text(resource.get("Type"), "Type of a data resource") or ""


def _advanced(selectors: Sequence[Json]) -> Iterator[str]:
    for part in selectors:
        selector = require_mapping(part, "an event selector")
        fields = [
            require_mapping(each, "a field selector")
            for each in require_list(selector.get("FieldSelectors"), "FieldSelectors")
        ]
        by_name = {require_text(each.get("Field"), "Field") or "": each for each in fields}
        if set(by_name) - _UNNARROWED:
            continue
        category = _equals(by_name.get("eventCategory", {}))
        if "Management" in category:
            yield "Management"
        if "Data" in category:
            yield from _equals(by_name.get("resources.type", {}))


def _equals(selector: Mapping[str, Json]) -> list[str]:
    return [require_text(value, "Equals") or "" for value in require_list(selector.get("Equals"), "Equals")]


def _of_bucket(trail: Resource, world: TemplateSet) -> Iterator[str]:
    name = trail.properties.get("S3BucketName")
    if is_absent(name):
        yield "S3BucketName is not set"
        return
    bucket = find(name, trail.template, world, _BUCKET)
    if bucket is None:
        raise UnresolvedError(f"bucket {describe(name)} is in none of the templates, so whether it is locked is unknown")
    for properties in branches(bucket.properties):
        if not _is_locked(properties):
            yield f"{bucket.path} has no Object Lock with a default retention, so log files can be deleted"


def _is_locked(bucket: Mapping[str, Json]) -> bool:
    retention = default_retention(bucket)
    return (
        require_bool(bucket.get("ObjectLockEnabled"), "ObjectLockEnabled")
        and require_text(retention.get("Mode"), "Mode") in {"GOVERNANCE", "COMPLIANCE"}
        and days_locked(retention) > 0
    )


RULE = Rule(
    title="The trail is multi-region, validated, encrypted and locked, and records data events of S3 and DynamoDB",
    why=(
        "After a failover, auditors ask who did what in which region. A trail of one region, without data events, or with "
        "deletable files cannot answer that."
    ),
    fix=(
        "Set IsMultiRegionTrail, IncludeGlobalServiceEvents, EnableLogFileValidation, IsLogging and KMSKeyId, select "
        "management and data events of both types, and deliver to a bucket with Object Lock and a default retention."
    ),
    judge=rule_from(_violations, _TRAIL),
    controls=nist("AU-2", "AU-3", "AU-9", "AU-11", "AU-12", "SI-7")
    + hipaa("164.308(a)(1)(ii)(D)", "164.312(b)", "164.312(c)(1)", "164.312(c)(2)")
    + pci("10.1", "10.2", "10.3", "10.5.2", "10.5.3", "10.5.5"),
)
