"""Each policy statement uses actions, resources and condition keys that AWS defines."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.authorization_reference import (
    Action,
    accepts,
    actions_of,
    is_service,
    key_is_known,
    similar_actions,
)
from compliance.aws.identity_policies import TYPES as IDENTITY_POLICIES
from compliance.aws.identity_policies import every_statement, has_policies
from compliance.cfn.policies import Statement, statements
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from
from compliance.rules.iam.policy import TYPES as RESOURCE_POLICIES
from compliance.rules.iam.policy import has_resource_policy, policy_statements

_ENDPOINT: Final = "AWS::EC2::VPCEndpoint"
_ROLE: Final = "AWS::IAM::Role"
_TRUST: Final = "AssumeRolePolicyDocument"
_ASK_FOR_THE_KEY: Final = ("IfExists", "Null")
"""Ends of the operators that are written for requests with the key and for others."""

_DOCUMENTED: Final = {("kms:describekey", "kms:encryptioncontext:aws:logs:arn")}
"""Pairs that AWS's own examples contain though the condition never holds for the action.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
"""
_OWNER: Final = "aws:sourceowner"
"""Key of SNS in each topic's default policy, in no list of keys:
https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html"""


_FEDERATED: Final = frozenset({"sts:AssumeRoleWithWebIdentity", "sts:TagSession"})
_CLAIM: Final = re.compile(r"[\w.-]+\.[a-z]+(/[\w./-]+)?:[A-Za-z_]\w*")
"""A claim of an identity provider's token, under the provider's host: `token.actions.githubusercontent.com:sub`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
"""


def _has_statements(resource: Resource, world: TemplateSet) -> bool:
    if resource.type == _ROLE and not is_absent(resource.properties.get(_TRUST)):
        return True
    if resource.type == _ENDPOINT:
        return not is_absent(resource.properties.get("PolicyDocument"))
    if resource.type in IDENTITY_POLICIES:
        return has_policies(resource, world)
    return has_resource_policy(resource, world)


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    if resource.type in RESOURCE_POLICIES:
        found = policy_statements(resource)
    elif resource.type == _ENDPOINT:
        found = iter(statements(resource.properties["PolicyDocument"], resource.template))
    else:
        found = every_statement(resource)
        trust = resource.properties.get(_TRUST)
        if not is_absent(trust):
            for statement in statements(trust, resource.template, _TRUST):
                yield from _of_statement(statement)
    for statement in found:
        yield from _of_statement(statement)


def _of_statement(statement: Statement) -> Iterator[str]:
    for pattern in (*statement.actions, *statement.not_actions):
        yield from _of_action(pattern, statement)
    actions = [actions_of(pattern) for pattern in statement.actions]
    if not all(actions):
        return
    for resource in statement.resources:
        if not any(accepts(action, resource) for matched in actions for action in matched):
            named = ", ".join(statement.actions)
            yield f"{statement.name} names the resource {resource}, which is of no type that {named} accepts"
    for pattern, matched in zip(statement.actions, actions, strict=True):
        if statement.resources and not any(_accepts_one(action, statement.resources) for action in matched):
            yield f"{statement.name} names no resource that {pattern} accepts: {_accepted(matched)}"
        yield from _of_keys(pattern, matched, [action for each in actions for action in each], statement)


def _of_action(pattern: str, statement: Statement) -> Iterator[str]:
    if pattern == "*":
        return
    service = pattern.partition(":")[0]
    if not is_service(service):
        yield f"{statement.name} names {pattern}; AWS has no service with the prefix {service!r}"
    elif not actions_of(pattern):
        similar = " or ".join(similar_actions(pattern))
        yield f"{statement.name} names {pattern}; AWS has no such action" + (f", did you mean {similar}?" if similar else "")


def _of_keys(pattern: str, matched: tuple[Action, ...], every: list[Action], statement: Statement) -> Iterator[str]:
    for condition in statement.conditions:
        # A Deny, and an operator that asks for the key, are also for actions without it. `ForAllValues:` in an Allow is not:
        # it holds for a request without the key, and would allow what it is meant to limit.
        is_for_some = statement.denies or condition.operator.endswith(_ASK_FOR_THE_KEY)
        known = any(_carries(action, condition.key) for action in (every if is_for_some else matched))
        if not known:
            yield (
                f"{statement.name} has a condition on {condition.key}, which no request for {pattern} carries; "
                f"use one of {_keys(matched)}, or an aws: key of every service"
            )


def _carries(action: Action, key: str) -> bool:
    if action.name in _FEDERATED and _CLAIM.fullmatch(key):
        return True
    if key.lower() == _OWNER and action.name.startswith("sns:"):
        return True
    return key_is_known(key, action) or (action.name.lower(), key.lower()) in _DOCUMENTED


def _accepts_one(action: Action, resources: tuple[str, ...]) -> bool:
    return any(accepts(action, resource) for resource in resources)


def _accepted(actions: tuple[Action, ...]) -> str:
    return ", ".join(sorted({arn for action in actions for arn in action.arns})) or "only *"


def _keys(actions: tuple[Action, ...]) -> str:
    listed = sorted({key for action in actions for key in action.keys if not key.startswith("aws:")})
    return ", ".join(listed) or "none of its own"


RULE = Rule(
    title="Each policy statement uses actions, resources and condition keys that AWS defines",
    why=(
        "IAM accepts a policy with a misspelt action, a resource of the wrong type or a condition key that the request "
        "never carries. The statement then allows nothing, or denies nothing, and a deployment does not show it."
    ),
    fix="Correct the name by AWS's Service Authorization Reference; the finding lists what the action accepts.",
    judge=rule_from(_violations, *IDENTITY_POLICIES, *RESOURCE_POLICIES, _ENDPOINT, applies=_has_statements),
    controls=nist("AC-3", "AC-6") + hipaa("164.308(a)(4)(ii)(B)", "164.312(a)(1)") + pci("7.2.1"),
)
