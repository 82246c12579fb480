"""Whether a policy lets an AWS service do what it must: a key's, a queue's, a topic's."""

from collections.abc import Iterator, Sequence
from typing import Final

from compliance.aws.keys import is_aws_managed
from compliance.aws.permissions import EQUALITY
from compliance.cfn.arns import find
from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import branches
from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent

KEY_ACTIONS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""Actions on the key that a sender to an encrypted queue or topic needs."""

KEYS: Final = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
_ALIAS: Final = "AWS::KMS::Alias"
_HARMLESS: Final = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
"""Condition keys that a service's own requests carry."""


def key_policies(key: Json, template: Template, world: TemplateSet) -> Iterator[tuple[Statement, ...]]:
    """Yield every version of the policy of the key that a value names, by itself or by an alias; empty if it has none.

    Raises:
        UnresolvedError: The key is in none of the templates.
    """
    target = named(key, template, world) or find(key, template, world, _ALIAS)
    if target is not None and target.type == _ALIAS:
        target = named(target.properties.get("TargetKeyId"), target.template, world)
    if target is None or target.type not in KEYS:
        raise UnresolvedError(f"key {describe(key)} is in none of the templates, so whom its policy admits is unknown")
    for properties in branches(target.properties):
        document = properties.get("KeyPolicy")
        yield () if is_absent(document) else statements(document, target.template, "KeyPolicy")


def refused_by_key(target: Resource, service: str, world: TemplateSet) -> list[str]:
    """Return the actions that the key of a queue or a topic does not let a service do; none where it has no key of ours."""
    key = target.properties.get("KmsMasterKeyId")
    if is_absent(key) or is_aws_managed(key):
        return []  # ActivePassive-SQSEncryption asks for one of ours
    found = [refused(policy, service, KEY_ACTIONS) for policy in key_policies(key, target.template, world)]
    return max(found, key=len, default=[])


def refused(policy: tuple[Statement, ...], service: str, actions: Sequence[str]) -> list[str]:
    """Return the actions that a policy does not let a service do."""
    return [action for action in actions if not any(admits(statement, service, action) for statement in policy)]


def admits(statement: Statement, service: str, action: str) -> bool:
    """Return whether a statement lets a service do something, on no other condition than from where it comes."""
    harmless = all(
        condition.key.lower() in _HARMLESS and EQUALITY.fullmatch(condition.operator) for condition in statement.conditions
    )
    return statement.allows and service in statement.services() and statement.covers_action(action) and harmless
