"""Say what a rule that passed saw: the values of the properties that it reads, and which key encrypts what."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from compliance.cfn.caching import cached
from compliance.cfn.references import named, of_type, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls.bridge import local_id
from compliance.engine.findings import EncryptedWith, Finding, Verdict
from compliance.engine.requirements import RequirementsJudge
from compliance.engine.rule import Rule, ViolationsJudge

LONGEST: Final = 300
"""Characters of an observation; the template, whose line the row has, holds the rest."""

_KEY: Final = "AWS::KMS::Key"
_ENCRYPTS: Final = re.compile(r"(?i)(replica)?(kms|encryption)(master)?key(id|arn|identifier)?")
"""Names of properties that take a key."""
_ALIAS: Final = re.compile(r"(arn:[\w-]+:kms:(?P<region>[\w-]+):\d+:)?(?P<name>alias/.+)")
_STEP: Final = re.compile(r"(\w+)(\[[*+]\])?")

_INGRESS: Final = ("SecurityGroupIngress", "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "FromPort", "ToPort")
_MOST: Final = 12
"""A rule that reads more properties reads the whole resource, and quoting it says nothing."""

_READ_BY_PACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "AwsSolutions-APIG1": ("AccessLogSettings",),
    "AwsSolutions-APIG4": ("AuthorizationType",),
    "AwsSolutions-EC23": _INGRESS,
    "AwsSolutions-EC27": ("GroupDescription", "Description"),
    "AwsSolutions-IAM4": ("ManagedPolicyArns",),
    "AwsSolutions-KMS5": ("EnableKeyRotation",),
    "AwsSolutions-L1": ("Runtime",),
    "AwsSolutions-S1": ("LoggingConfiguration",),
    "AwsSolutions-S2": ("PublicAccessBlockConfiguration",),
    "AwsSolutions-SQS2": ("KmsMasterKeyId", "SqsManagedSseEnabled"),
    "AwsSolutions-SQS3": ("RedrivePolicy",),
    "APIGWAccessLogging": ("AccessLogSettings",),
    "APIGWDefaultThrottling": ("DefaultRouteSettings",),
    "CloudTrailCloudWatchLogsEnabled": ("CloudWatchLogsLogGroupArn",),
    "CloudTrailEncryptionEnabled": ("KMSKeyId",),
    "CloudTrailLogFileValidationEnabled": ("EnableLogFileValidation",),
    "CloudWatchAlarmAction": ("AlarmActions", "OKActions", "InsufficientDataActions"),
    "CloudWatchLogGroupEncrypted": ("KmsKeyId",),
    "CloudWatchLogGroupRetentionPeriod": ("RetentionInDays",),
    "EC2RestrictedCommonPorts": _INGRESS,
    "EC2RestrictedSSH": _INGRESS,
    "IAMPolicyNoStatementsWithAdminAccess": ("PolicyDocument", "Policies"),
    "IAMPolicyNoStatementsWithFullAccess": ("PolicyDocument", "Policies"),
    "KMSBackingKeyRotationEnabled": ("EnableKeyRotation",),
    "LambdaAsyncFailureDestination": ("DestinationConfig",),
    "LambdaConcurrency": ("ReservedConcurrentExecutions",),
    "LambdaDLQ": ("DeadLetterConfig",),
    "LambdaDefaultMemorySize": ("MemorySize",),
    "LambdaDefaultTimeout": ("Timeout",),
    "LambdaFunctionPublicAccessProhibited": ("Principal", "SourceArn", "SourceAccount"),
    "LambdaInsideVPC": ("VpcConfig",),
    "LambdaLatestVersion": ("Runtime",),
    "LambdaTracing": ("TracingConfig",),
    "S3BucketDefaultLockEnabled": ("ObjectLockConfiguration",),
    "S3BucketLevelPublicAccessProhibited": ("PublicAccessBlockConfiguration",),
    "S3BucketLoggingEnabled": ("LoggingConfiguration",),
    "S3BucketPublicReadProhibited": ("PublicAccessBlockConfiguration", "AccessControl"),
    "S3BucketPublicWriteProhibited": ("PublicAccessBlockConfiguration", "AccessControl"),
    "S3BucketReplicationEnabled": ("ReplicationConfiguration",),
    "S3BucketVersioningEnabled": ("VersioningConfiguration",),
    "S3DefaultEncryptionKMS": ("BucketEncryption",),
    "SNSEncryptedKMS": ("KmsMasterKeyId",),
    "SQSRedrivePolicy": ("RedrivePolicy",),
    "SecretsManagerUsingKMSKey": ("KmsKeyId",),
    "VPCSubnetAutoAssignPublicIpDisabled": ("MapPublicIpOnLaunch",),
}
"""Properties that a rule of cdk-nag reads, by its name in each pack that has it, or by its id."""


def with_observations(rows: Iterable[Finding], rules: Iterable[Rule], world: TemplateSet) -> list[Finding]:
    """Return the rows; those that passed with the values that the rule read, where they are known.

    Args:
        rows: The answers about one set of templates.
        rules: Our rules, which just judged these templates and recorded what they read.
        world: The templates.
    """
    read = {rule.info.id: _paths(rule) for rule in rules}
    resources = {(each.template.name, each.logical_id): each for template in world.templates for each in template.resources}

    def observed(row: Finding) -> Finding:
        resource = resources.get((row.stack, row.logical_id))
        if row.verdict is not Verdict.PASS or resource is None or not isinstance(resource.properties, Mapping):
            return row
        base = local_id(row.rule)
        paths = read.get(row.rule) or _READ_BY_PACKS.get(base) or _READ_BY_PACKS.get(base.rpartition("-")[2], ())
        return replace(row, observed=_quoted(paths, resource, world)) if paths else row

    return [observed(row) for row in rows]


def encrypted_with(world: TemplateSet) -> tuple[EncryptedWith, ...]:
    """Return each property of a resource that names a key of the templates, by key."""
    found = {
        EncryptedWith(
            configuration=world.name,
            key=f"{key.template.name}/{key.logical_id}",
            alias=", ".join(_aliases(world).get((key.template.name, key.logical_id), ())),
            region=key.template.region,
            path=resource.path,
            resource_type=resource.type,
            property=place,
        )
        for template in world.templates
        for resource in template.resources
        for place, value in _keys_in(resource.properties, "")
        if (key := _key(value, template, world)) is not None
    }
    return tuple(sorted(found, key=lambda use: (use.configuration, use.alias, use.region, use.path, use.property)))


def _key(value: Json, template: Template, world: TemplateSet) -> Resource | None:
    """Return the key of the templates that a reference or the ARN or name of an alias means."""
    if not isinstance(value, str):
        key = named(value, template, world)
        return key if key is not None and key.type == _KEY else None
    found = _ALIAS.fullmatch(value)
    keys = of_type(world, _KEY, region=found["region"] or template.region) if found else ()
    aliases = _aliases(world)
    return next(
        (key for key in keys if found and found["name"] in aliases.get((key.template.name, key.logical_id), ())), None
    )


def _paths(rule: Rule) -> tuple[str, ...]:
    if isinstance(rule.judge, RequirementsJudge):
        return tuple(rule.judge.requirements)
    read = rule.judge.read if isinstance(rule.judge, ViolationsJudge) else ()
    return tuple(sorted(read)) if len(read) <= _MOST else ()


def _quoted(paths: Iterable[str], resource: Resource, world: TemplateSet) -> str:
    """Return the values of properties: those that are set, else that none is."""
    parts = [
        f"{place} = {_shown(value, resource.template, world)}"
        for path in paths
        for place, value in _at(resource.properties, path.split("."), "")
    ]
    text = "; ".join(parts) or f"not set: {', '.join(paths)}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _at(value: Json, steps: list[str], place: str) -> Iterator[tuple[str, Json]]:
    """Yield the values at a path that are set, each with its place."""
    if not steps:
        yield place, value
        return
    step = _STEP.fullmatch(steps[0])
    if not step or not isinstance(value, Mapping) or step[1] not in value:
        return
    below, name = value[step[1]], f"{place}.{step[1]}".lstrip(".")
    if step[2] and isinstance(below, list):
        for index, entry in enumerate(below):
            yield from _at(entry, steps[1:], f"{name}[{index}]")
    else:
        yield from _at(below, steps[1:], name)


def _shown(value: Json, template: Template, world: TemplateSet) -> str:
    """Return a value as short text: a reference as the resource that it means, a key with its alias."""
    if isinstance(value, Mapping):
        target = named(value, template, world)
        if target is not None:
            aliases = _aliases(world).get((target.template.name, target.logical_id), ()) if target.type == _KEY else ()
            return ", ".join(aliases) or target.path
        if len(value) == 1 and (name := next(iter(value))) and (name == "Ref" or name.startswith("Fn::")):
            try:
                return render(value, template)
            except UnresolvedError:
                pass
        return f"{{{', '.join(f'{key}: {_shown(part, template, world)}' for key, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(part, template, world) for part in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@cached
def _aliases(world: TemplateSet) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the aliases of each key, by the key's template and logical id."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for alias in of_type(world, "AWS::KMS::Alias"):
        key = named(alias.properties.get("TargetKeyId"), alias.template, world)
        if key is not None:
            place = key.template.name, key.logical_id
            found[place] = (*found.get(place, ()), _shown(alias.properties.get("AliasName"), alias.template, world))
    return found


def _keys_in(value: Json, place: str) -> Iterator[tuple[str, Json]]:
    """Yield the values of the properties that take a key, at any depth."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            here = f"{place}.{name}".lstrip(".")
            if _ENCRYPTS.fullmatch(str(name)):
                yield here, part
            else:
                yield from _keys_in(part, here)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _keys_in(part, f"{place}[{index}]")
