"""A resource refers to the other region only where a declared list allows it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from compliance.aws.scheduled_functions import is_policy_of_a_scheduled_function, is_run_by_a_clock_alone
from compliance.aws.twins import allowed_texts, may_say, stands_in_several, twin_regions
from compliance.cfn.reading import is_intrinsic, one_or_more
from compliance.cfn.references import render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


class Declared(NamedTuple):
    """A place that may name the other region, with the reason why it is no dependency at run time.

    Attributes:
        type: Of the resource, as a regular expression.
        path: From Properties down, keys joined by dots and `[]` for an item of a list, as a regular expression.
        reason: Why losing that region changes nothing here.
        by_clock: Whether it may only be in a function that a schedule runs and nobody waits for.
    """

    type: str
    path: str
    reason: str
    by_clock: bool = False


DECLARED: Final = (
    Declared(
        r".*",
        r"Description|AlarmDescription|GroupDescription|DisplayName|Comment|.*Tags\[\]\.Value|Tags\..*",
        "words for people",
    ),
    Declared(
        r"AWS::S3::Bucket",
        r"ReplicationConfiguration\.Rules\[\]\.Destination\..*",
        "S3 replicates by itself; what waits while the other region is lost is replicated afterwards",
    ),
    Declared(
        r"AWS::DynamoDB::GlobalTable",
        r"Replicas\[\]\..*",
        "DynamoDB replicates by itself, and each replica serves its region alone",
    ),
    Declared(
        r"AWS::SecretsManager::Secret",
        r"ReplicaRegions\[\]\..*",
        "Secrets Manager replicates by itself, and each replica serves its region alone",
    ),
    Declared(
        r"AWS::CloudWatch::Alarm",
        r"(Dimensions|Metrics)\[\]\..*",
        "replication's metrics carry the other region in their names, and are read in this one",
    ),
    Declared(r"AWS::CloudWatch::Dashboard", r"DashboardBody", "people look at both regions from either"),
    Declared(
        r"AWS::Lambda::Function",
        r"Environment\.Variables\.(PRIMARY|SECONDARY)_REGION",
        "they say whose claims count, and who is active without one; they are compared, and never called",
    ),
    Declared(
        r"AWS::Lambda::Function",
        r"Environment\.Variables\.PEER_[A-Z_]+",
        "an observer looks at the other region once a minute; nothing waits for it, and a look that fails is its answer",
        by_clock=True,
    ),
    Declared(
        r"AWS::Route53::HealthCheck",
        r"HealthCheckConfig\.AlarmIdentifier\.(Name|Region)",
        "Route 53 itself reads the alarm; ActivePassive-Route53Health and ActivePassive-Route53RecordSecondary judge whose "
        "it may be",
    ),
    Declared(
        r"AWS::KMS::(Key|ReplicaKey)",
        r"KeyPolicy\.Statement\[\]\.Condition\..*",
        "it narrows whom the key admits, such as the trail that is homed in the other region",
    ),
)
"""Each place is narrow: a new one is a decision, and needs its reason."""

_OPAQUE: Final = frozenset({"Ref", "Fn::GetAtt", "Fn::Join", "Fn::Sub", "Fn::ImportValue"})
"""Functions whose whole meaning is in the text that they are rendered to."""

_REPLICATION: Final = re.compile(
    r"s3:Replicate(Object|Delete|Tags)|s3:ObjectOwnerOverrideToBucketOwner|s3:GetObjectVersionTagging"
    r"|kms:(Encrypt|GenerateDataKey.*|ReEncrypt.*)",
    re.IGNORECASE,
)
"""Actions of a replication role in the destination. A statement with only these may name it."""

_LOOKING: Final = re.compile(r"dynamodb:GetItem|kms:Decrypt|secretsmanager:DescribeSecret", re.IGNORECASE)
"""Actions that a scheduled function may use in the other region: reading a row or a secret's versions."""

_RE_ENCRYPTION: Final = frozenset({"kms:decrypt", "kms:encrypt", "kms:generatedatakey"})
"""The actions by which Secrets Manager re-encrypts a replica's value in the name of a rotation. Exactly these may name the
other region: a rotation that fails while it is lost is tried again, and the current value stays valid.
"""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    others = twin_regions(resource, world)
    unknown: dict[str, None] = {}
    harmless = (_REPLICATION, _LOOKING) if is_policy_of_a_scheduled_function(resource, world) else (_REPLICATION,)
    for path, text in _texts(resource.properties, "", resource.template, harmless):
        if "${" not in text and not any(region in text for region in others):
            continue  # nearly every text; the rest of the work is for the few others
        named = _named_in(text, others, resource.template)
        source = may_say(text, resource.template) if not named else None
        if (named or source) and not _is_declared(resource, path, world):
            if source:
                unknown[f"{path} hangs on {source}, which may name the other region"] = None
            for region in named:
                yield f"{path} names {region}: {text[:80]}"
    if unknown:
        raise UnresolvedError("; ".join(unknown))


def _named_in(text: str, regions: Iterable[str], template: Template) -> list[str]:
    possible = list(allowed_texts(text, template))
    return [region for region in regions if any(region in each and _names(each, region) for each in possible)]


def _texts(
    value: Json, path: str, template: Template, harmless: Iterable[re.Pattern[str]], *, is_argument: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield every text below a value with its path, but for statements of nothing but harmless actions."""
    if isinstance(value, str) or (is_intrinsic(value) and not _OPAQUE.isdisjoint(value)):
        yield path, render(value, template)
    elif isinstance(value, Mapping) and "Fn::GetStackOutput" in value:
        return  # the business of ActivePassive-CrossRegionOutputs
    elif is_intrinsic(value):
        yield path, render(value, template)
        for argument in value.values():
            yield from _texts(argument, path, template, harmless, is_argument=True)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, path if is_argument else f"{path}[]", template, harmless)
    elif isinstance(value, Mapping) and not any(_is_statement_of(actions, value) for actions in harmless):
        for key, part in value.items():
            below = f"{path}.{key}" if path else str(key)
            yield below, str(key)
            yield from _texts(part, below, template, harmless)


def _is_statement_of(allowed: re.Pattern[str], value: Mapping[str, Json]) -> bool:
    if "Effect" not in value or "Action" not in value:
        return False
    actions = one_or_more(value["Action"], "Action")
    if not all(isinstance(action, str) for action in actions):
        return False
    if {action.lower() for action in actions} == _RE_ENCRYPTION:
        return True
    return bool(actions) and all(allowed.fullmatch(action) for action in actions)


def _is_declared(resource: Resource, path: str, world: TemplateSet) -> bool:
    return any(
        re.fullmatch(declared.type, resource.type)
        and re.fullmatch(declared.path, path)
        and (not declared.by_clock or is_run_by_a_clock_alone(resource, world))
        for declared in DECLARED
    )


def _names(text: str, region: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(region)}(?![0-9])", text) is not None


RULE = Rule(
    title="A resource refers to the other region only where that is declared to be harmless",
    why=(
        "The secondary must run, deploy and change while the primary is unreachable. A function that calls the other region "
        "is a dependency that shows only when that region is lost. So is a permission on a resource there."
    ),
    fix=(
        "Name the resource of the own region. If the other region must be named and its loss changes nothing, declare the "
        "place with the reason in compliance/rules/cross_region/references.py."
    ),
    judge=rule_from(_violations, "*", applies=stands_in_several),
    is_local=True,
    controls=nist("CP-2(5)", "CP-6", "CP-7", "CP-10") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)"),
)
