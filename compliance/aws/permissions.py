"""Wildcards in actions and resources of policies, and the actions that AWS cannot restrict further."""

import re
from collections.abc import Iterable
from typing import Final

from compliance.aws.authorization_reference import actions_of
from compliance.cfn.policies import Condition, Statement
from compliance.cfn.templates import Template
from compliance.cfn.values import UnresolvedError

MADE_AT_RUN_TIME: Final = {
    "ec2:assignprivateipaddresses": "Lambda manages network interfaces whose ids no policy can know",
    "ec2:createnetworkinterface": "Lambda manages network interfaces whose ids no policy can know",
    "ec2:deletenetworkinterface": "Lambda manages network interfaces whose ids no policy can know",
    "ec2:unassignprivateipaddresses": "Lambda manages network interfaces whose ids no policy can know",
}
"""Actions with resource-level permission whose resource AWS makes by itself, each with the reason for a wildcard."""

_ALIASES: Final = "kms:resourcealiases"

NARROWING_KEYS: Final = re.compile(
    r"kms:resourcealiases|aws:resourceaccount|aws:resourceorgid|aws:resourceorgpaths|[a-z0-9-]+:resourcetag/.+",
    re.IGNORECASE,
)
"""Keys of conditions that say which resources are meant, so that the wildcard beside them does not mean all."""

_SOURCE: Final = "aws:sourcearn"
_OF_BUCKETS: Final = frozenset({"s3.amazonaws.com", "logging.s3.amazonaws.com"})
"""Services whose aws:SourceArn is always a bucket's."""
_ATTRIBUTE: Final = re.compile(r"\$\{(\w+)\.Arn\}")

_UNKNOWN: Final = re.compile(r"\$\{[^}]*\}")
_UNNAMED: Final = tuple(
    map(
        re.compile,
        (
            r"(arn:[^:]*:[^:]*:[^:]*:[^:]*:)?[*?]+([:/][*?]+)*",
            r"arn:[*?:]+",
            r"arn:[^:]*:s3:::[*?]+(/.*)?",  # every bucket, whatever the objects
            # Every resource of a kind. What stands before the slash is a kind, but for a bucket or an API.
            r"arn:[^:]*:(?!(s3|execute-api):)[^:]*:[^:]*:[^:]*:[A-Za-z][A-Za-z0-9-]*[:/][*?]+([:/][*?]+)*",
        ),
    )
)
EQUALITY: Final = re.compile(r"(ForAnyValue:)?(String|Arn)(Equals|Like|EqualsIgnoreCase)", re.IGNORECASE)
"""Operators that require the key: not `ForAllValues:…` and `…IfExists`, true for a request without the key."""
_ONE_NAME: Final = re.compile(r"[a-z]+:[a-z]*(account|owner|orgid)", re.IGNORECASE)
"""Keys whose values have no parts, so that any wildcard in one means others too."""
_ARN_FIELDS: Final = 6


def wild_actions(actions: Iterable[str]) -> list[str]:
    """Return the actions that mean more than one."""
    return [action for action in actions if re.search(r"[*?]", action)]


def is_wild_resource(pattern: str) -> bool:
    """Return whether a rendered pattern names no resource: `*`, `arn:aws:s3:::*`, `arn:aws:dynamodb:*:*:table/*`."""
    pattern = _UNKNOWN.sub(lambda found: found[0].replace(":", ""), pattern)
    return any(unnamed.fullmatch(pattern) for unnamed in _UNNAMED)


def knows_no_resource(action: str) -> bool:
    """Return whether AWS lets no policy name the resource of an action.

    Raises:
        UnresolvedError: AWS's reference does not have the action.
    """
    if action.lower() in MADE_AT_RUN_TIME:
        return True
    known = actions_of(action)
    if not known:
        raise UnresolvedError(f"{action!r} is not in AWS's Service Authorization Reference, so its resources are unknown")
    return not any(each.arns for each in known)


def is_narrowed(conditions: Iterable[Condition]) -> bool:
    """Return whether conditions say which resources are meant, by their aliases, tags or account."""
    return any(narrows(condition, NARROWING_KEYS) for condition in conditions)


def narrows(condition: Condition, keys: re.Pattern[str]) -> bool:
    """Return whether a condition narrows access: it requires one of the keys, and no value is a wildcard."""
    return bool(
        keys.fullmatch(condition.key)
        and EQUALITY.fullmatch(condition.operator)
        and not any(_is_open(condition.key, value) for value in condition.values)
    )


def names_the_source(statement: Statement, keys: re.Pattern[str], template: Template) -> bool:
    """Return whether conditions name the source on whose behalf a service acts: an account, or a resource of one.

    The ARN of a bucket, a hosted zone or a REST API holds no account. When its owner deletes it, another account may make
    one of that name, and so "you must also use" aws:SourceAccount
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html).
    """
    return any(
        narrows(condition, keys)
        and not (
            condition.key.lower() == _SOURCE
            and any(_has_no_account(value, statement, template) for value in condition.values)
        )
        for condition in statement.conditions
    )


def _has_no_account(arn: str, statement: Statement, template: Template) -> bool:
    fields = arn.split(":", _ARN_FIELDS - 1)
    if fields[0] == "arn" and len(fields) == _ARN_FIELDS:
        return not fields[4]
    reference = _ATTRIBUTE.match(arn)
    kinds = [each.type for each in template.resources if reference and each.logical_id == reference[1]]
    if kinds:
        return "AWS::S3::Bucket" in kinds
    # A parameter or another stack's export: it is a bucket's, where only S3 asks.
    return any(service in _OF_BUCKETS for service in statement.services())


def _is_open(key: str, value: str) -> bool:
    """Return whether a rendered value of a condition leaves open whose it is: `*`, `arn:*`, `arn:aws:s3:*:*:*`."""
    value = _UNKNOWN.sub("known", value)
    if _ONE_NAME.fullmatch(key):
        return _has_wildcard(value)
    if not value.startswith("arn:"):
        return not value or _has_wildcard(value[0])
    fields = value.split(":", _ARN_FIELDS - 1)
    if len(fields) < _ARN_FIELDS:
        return _has_wildcard(fields[-1])  # which then stands for the rest, account and all
    account, resource = fields[4:]
    return _has_wildcard(account) if account else _has_wildcard(resource[:1])


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def needless_wildcards(statement: Statement) -> list[str]:
    """Return the resources of a statement that name nothing though AWS lets its actions name something.

    Raises:
        UnresolvedError: An action is not in AWS's reference.
    """
    wild = [pattern for pattern in statement.resources if is_wild_resource(pattern)]
    if is_narrowed(statement.conditions):
        # A key behind an alias is key/* of its region, which a policy can say.
        by_alias = any(condition.key.lower() == _ALIASES for condition in statement.conditions)
        wild = [pattern for pattern in wild if by_alias and not pattern.startswith("arn:")]
    if not wild:
        return []
    return wild if not all(knows_no_resource(action) for action in statement.actions) else []
