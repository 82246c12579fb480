"""A secret is rotated regularly, in its primary region."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.dead_letters import Key, is_same, key_of
from compliance.aws.event_sources import FUNCTION
from compliance.cfn.arns import find, text_of
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_mapping, require_number, require_text
from compliance.cfn.references import is_there_with, named, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type's name
_SCHEDULE: Final = "AWS::SecretsManager::RotationSchedule"
_ATTACHMENT: Final = "AWS::SecretsManager::SecretTargetAttachment"

_MOST_DAYS: Final = 90
"""PCI DSS 3.2.1, 8.2.4."""

_RATE: Final = re.compile(r"rate\((\d+) (hour|day)s?\)")
_HOURS: Final = {"hour": 1, "day": 24}


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == _SCHEDULE:
        yield from _of_version(resource.properties)
        yield from _of_function(resource.properties, resource, world)
        yield from _outside(resource, world)
    else:
        yield from _of_secret(resource, world)


def _outside(schedule: Resource, world: TemplateSet) -> Iterator[str]:
    value = schedule.properties.get("RotationLambdaARN")
    if value is not None and find(value, schedule.template, world, FUNCTION) is None:
        text = text_of(value, schedule.template, world)  # what only a deployment knows is not evaluated
        yield f"names {text}, a function of none of the templates, which reads the secret; rotate by one of yours"


def _of_secret(secret: Resource, world: TemplateSet) -> Iterator[str]:
    found: list[str] = []
    for schedule in of_type(world, _SCHEDULE):
        problems = _problems(schedule, secret, world)
        if problems == []:
            return
        found += problems or []
    yield "; ".join([f"nothing in its region rotates it every {_MOST_DAYS} days or more often", *found])


def _problems(schedule: Resource, secret: Resource, world: TemplateSet) -> list[str] | None:
    """Return what keeps a schedule from rotating the secret; None if it is not about the secret."""
    versions = list(branches(schedule.properties))
    about = [version for version in versions if _is_of(version.get("SecretId"), schedule, secret, world)]
    if not about:
        return None
    problems = [problem for version in about for problem in (*_of_version(version), *_of_function(version, schedule, world))]
    if len(about) < len(versions) or not is_there_with(schedule, secret):
        problems.append("is there on a condition only")
    return [f"{schedule.path} {problem}" for problem in dict.fromkeys(problems)]


def _is_of(value: Json, schedule: Resource, secret: Resource, world: TemplateSet) -> bool:
    if value is None:
        return False
    target = named(value, schedule.template, world)
    if target is not None and target.type == _ATTACHMENT:
        return _is_of(target.properties.get("SecretId"), target, secret, world)
    # A name means the secret of the schedule's own region: a replica cannot be rotated.
    target = find(value, schedule.template, world, _SECRET)
    if target is None:
        text_of(value, schedule.template, world)  # What has no name may be this one.
        return False
    return is_same(target, secret)


def _of_version(schedule: Mapping[str, Json]) -> Iterator[str]:
    if "RotationLambdaARN" not in schedule and "HostedRotationLambda" not in schedule:
        yield "names no function that rotates"
    days = _days(require_mapping(schedule.get("RotationRules"), "RotationRules"))
    if days is None:
        yield "has no RotationRules, so it never rotates by itself"
    elif not 0 < days <= _MOST_DAYS:
        yield f"rotates every {days:g} days"


def _of_function(version: Mapping[str, Json], schedule: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for a function of these templates that Secrets Manager may not invoke."""
    value = version.get("RotationLambdaARN")
    function = None if value is None else find(value, schedule.template, world, FUNCTION)
    if function is not None and key_of(function) not in _admit_secrets_manager(world):
        yield f"names {function.path}, which has no permission for secretsmanager.amazonaws.com to invoke it"


@cached
def _admit_secrets_manager(world: TemplateSet) -> frozenset[Key]:
    """Return the functions that Secrets Manager may invoke."""
    found = set()
    for permission in of_type(world, "AWS::Lambda::Permission"):
        value = permission.properties.get("FunctionName")
        if permission.properties.get("Principal") == "secretsmanager.amazonaws.com" and value is not None:
            function = find(value, permission.template, world, FUNCTION)
            found.add(None if function is None else key_of(function))
    return frozenset(key for key in found if key is not None)


def _days(rules: Mapping[str, Json]) -> float | None:
    expression = require_text(rules.get("ScheduleExpression"), "ScheduleExpression")
    if expression is None:
        return require_number(rules.get("AutomaticallyAfterDays"), "AutomaticallyAfterDays")
    rate = _RATE.fullmatch(expression)
    if not rate:
        raise UnresolvedError(f"how often {describe(expression)} is cannot be read here; write it as rate(30 days)")
    return int(rate[1]) * _HOURS[rate[2]] / 24


RULE = Rule(
    title=f"A secret is rotated every {_MOST_DAYS} days or more often, by a schedule in the region where it was made",
    why=(
        "Everyone who could ever read a secret knows it until it changes. Secrets Manager refuses a schedule in the other "
        "region, because it rotates replicas with their primary."
    ),
    fix="Add an AWS::SecretsManager::RotationSchedule with the secret's name or Ref, a function, and 30 days.",
    judge=rule_from(_violations, _SECRET, _SCHEDULE),
    controls=nist("AC-2", "IA-5(1)", "SC-12") + hipaa("164.308(a)(4)(ii)(C)", "164.312(a)(2)(iv)") + pci("3.6.4", "8.2.4"),
)
