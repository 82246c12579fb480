"""The two regions' templates of a stack are equal, except for a declared list of differences."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from compliance.cfn.symmetry import counterpart, differences, path_of, twins
from compliance.cfn.templates import STACK, Json, Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed

ONE_SIDE: Final = ""
"""The place of a resource that has no counterpart."""

_SHOWN: Final = 5
"""Differences in one message; a resource that differs in more has been replaced by another."""
_LONGEST: Final = 80


class Declared(NamedTuple):
    """A difference that may be, and why.

    Attributes:
        type: Of the resource, as a pattern.
        path: The construct path without the stack, as a pattern.
        place: Keys and indexes from the resource down, joined by dots, as a pattern; `ONE_SIDE` for the whole resource.
        reason: Why the regions cannot be the same there.
    """

    type: str
    path: str
    place: str
    reason: str


DECLARED: Final = (
    Declared(
        "AWS::S3::Bucket",
        "*",
        "Properties.ReplicationConfiguration",
        "S3 takes one direction after the other: a custom resource sets the reverse; ActivePassive-S3ReplicationDirections",
    ),
    Declared(
        "AWS::Lambda::Function",
        "*",
        "Properties.Environment.Variables.PRIMARY_REGION",
        "both regions name the same one as primary",
    ),
    Declared(
        "AWS::Lambda::Function",
        "*",
        "Properties.Environment.Variables.SECONDARY_REGION",
        "both regions name the same one as secondary",
    ),
    Declared(
        "AWS::IAM::ManagedPolicy",
        "Observer/*",
        "Properties.PolicyDocument.Statement.*.dynamodb:LeadingKeys*",
        "with auto_promote the secondary may claim to be active by itself, and the primary never",
    ),
    Declared(
        "AWS::SecretsManager::RotationSchedule",
        "*",
        ONE_SIDE,
        "a secret is rotated where it was made; ActivePassive-SecretsManagerRotation",
    ),
    Declared(
        "AWS::CloudWatch::Alarm",
        "Alarms/TrailSilent/*",
        ONE_SIDE,
        "the one trail delivers its events to a log group of one region",
    ),
    Declared(
        "AWS::KMS::Key",
        "*",
        "Properties.KeyPolicy.Statement.*.Condition.*.aws:SourceArn",
        "the one trail, which a key admits by its ARN, is homed in one region",
    ),
    Declared(
        "AWS::EC2::Subnet", "*", "Properties.AvailabilityZoneId", "a zone is of one region; ActivePassive-VPCSubnetZones"
    ),
    Declared("AWS::Route53::RecordSet", "*", "Properties.Failover", "one record is the primary, the other the secondary"),
    Declared("AWS::Route53::RecordSet", "*", "Properties.SetIdentifier", "it tells the two records of one name apart"),
    Declared(
        "AWS::Route53::HealthCheck",
        "*",
        "Properties.HealthCheckTags.*.Value",
        "health checks of all regions stand in one list and have no name but a tag",
    ),
    Declared(
        "AWS::Route53::HealthCheck",
        "Domain/Primary*",
        ONE_SIDE,
        "the PRIMARY depends on signals of the other region, and the SECONDARY on none; ActivePassive-Route53RecordPrimary",
    ),
    Declared(
        "AWS::Route53::RecordSet",
        "*",
        "Properties.HealthCheckId.Fn::GetAtt.0",
        "the PRIMARY depends on more than the SECONDARY; ActivePassive-Route53RecordPrimary and "
        "ActivePassive-Route53RecordSecondary judge both",
    ),
    Declared(STACK, "*", "Outputs.HealthCheckId.Value.Fn::GetAtt.0", "it tells what the region's own record depends on"),
    Declared(STACK, "*", "Outputs.ExportsOutput*", "an export is there where a stack of its own region imports it"),
)


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Compare with the same construct of the same stack in every other region."""
    others = twins(resource, world)
    if not others:
        return NOT_APPLICABLE
    found: list[str] = []
    for twin in others:
        other = counterpart(resource, twin)
        if other is not None:
            found += _undeclared(resource, other)
        elif not _is_declared(resource, ONE_SIDE):
            found.append(f"{twin.region} has no counterpart of it ({twin.name})")
    if not found:
        return PASSED
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return failed("; ".join(found[:_SHOWN]) + more)


def _undeclared(resource: Resource, other: Resource) -> Iterator[str]:
    for difference in differences(resource, other):
        if not _is_declared(resource, difference.place):
            yield (
                f"{difference.place} is {_shown(difference.here)} here and {_shown(difference.there)} in "
                f"{other.template.region}"
            )


def _is_declared(resource: Resource, place: str) -> bool:
    return any(
        fnmatchcase(resource.type, each.type)
        and fnmatchcase(path_of(resource), each.path)
        and (fnmatchcase(place, each.place) or (each.place != ONE_SIDE and place.startswith(f"{each.place}.")))
        for each in DECLARED
    )


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


RULE = Rule(
    title="A stack that is deployed to both regions is the same in both, except for declared differences",
    why=(
        "Tests of one region hold for the other only while both are equal. A passive region drifts unnoticed, because it "
        "does no work until the failover."
    ),
    fix=(
        "Build both regions by the same constructs and settings. Where they must differ, declare it with its reason in "
        "compliance/rules/cross_region/symmetry.py."
    ),
    judge=judge,
    is_local=True,
    controls=nist("CM-2", "CM-3", "CM-6", "CP-7", "CP-10") + hipaa("164.308(a)(7)(ii)(B)", "164.308(a)(7)(ii)(C)"),
)
