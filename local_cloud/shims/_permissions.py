"""Evaluate a principal's permissions with IAM's rules, for actions that a service does on another's behalf."""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, request_scope
from ministack.services import iam, kms

_POLICY_REQUIRED: Final = ("kms",)
NO_SERVICE: Final = {"aws:principalisawsservice": "false"}
"""Condition key of every signed request of a caller that is not an AWS service."""
Principal = Any
"""ministack's `PrincipalInfo`: a principal and its parsed policies."""


def of_role(role: str) -> Principal:
    """Return the principal of a role's session that a service assumes."""
    account, name = get_account_id(), role.rpartition("/")[2]
    return iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        keys={
            "aws:principalarn": f"arn:aws:iam::{account}:role/{name}",
            "aws:principalaccount": account,
            "aws:principaltype": "AssumedRole",
            **NO_SERVICE,
        },
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )


def of_access_key(access_key: str) -> Principal | None:
    """Return the principal of an access key; None if the key is unknown."""
    principal = iam_evaluator.resolve_principal(access_key, get_account_id())
    return principal if isinstance(principal, iam_evaluator.PrincipalInfo) else None


def may(principal: Principal, action: str, resource: str, *, region: str, context: dict[str, Any] | None = None) -> bool:
    """Return whether identity and resource policies together allow the action."""
    if principal.policies is None:
        return True
    evaluation = _evaluation(principal, action, resource, region, context)
    result = iam_evaluator.evaluate(evaluation, principal.policies, *principal.limits)
    with request_scope(get_account_id(), region):
        found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if found is not None:
        required = action.partition(":")[0] in _POLICY_REQUIRED
        result = iam_evaluator.combine_resource_policy(
            result, evaluation, *found, required=required, limits=principal.limits
        )
    return bool(result.decision == "Allow")


def service_may_use_key(
    service: str, action: str, key: str, *, region: str, source_arn: str = "", context: dict[str, Any] | None = None
) -> bool:
    """Return whether a key's policy lets an AWS service use it on its own behalf; True for an AWS managed key.

    Args:
        service: The service principal, for example `s3.amazonaws.com`.
        action: `kms:Action`.
        key: The key's id, ARN or alias.
        region: The key's region.
        source_arn: The resource that the service acts for, for conditions on `aws:SourceArn`.
        context: Further condition keys, for example the encryption context.
    """
    if is_aws_managed(key):
        return True
    found = key_and_context(key, region, service.partition(".")[0])
    if found is None:
        return False
    arn, conditions = found
    account = get_account_id()
    conditions |= {**(context or {}), "aws:SourceArn": source_arn, "aws:SourceAccount": account}
    principal = iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:iam::{account}:service/{service}", type="AWSService", account=account, policies=[]
    )
    evaluation = _evaluation(principal, action, arn, region, conditions)
    with request_scope(account, region):
        policy, _ = kms.key_policy_for_arn(arn)
    return bool(iam_evaluator.evaluate_resource_policy(policy, evaluation, service).decision == "Allow")


def is_aws_managed(key: str) -> bool:
    """Return whether AWS manages a key; each principal of the account may use such a key through its service."""
    return not key or "alias/aws/" in key


def key_and_context(key: str, region: str, service: str) -> tuple[str, dict[str, Any]] | None:
    """Return the ARN of a key by its id, ARN or alias, and the condition keys of a service's call with it.

    Returns:
        None if there is no such key in the region, or it is disabled.
    """
    account = get_account_id()
    with request_scope(account, region):
        record = kms._resolve_key(key)
        if record is None or record.get("KeyState") != "Enabled":
            return None
        arn: str = record["Arn"]
        aliases = [name.rpartition(":")[2] for name, target in kms._aliases.items() if target == record["KeyId"]]
    return arn, {
        "kms:ViaService": f"{service}.{region}.amazonaws.com",
        "kms:CallerAccount": account,
        "kms:ResourceAliases": aliases,
    }


def _evaluation(
    principal: Principal, action: str, resource: str, region: str, context: dict[str, Any] | None
) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        source_ip="127.0.0.1",
        secure_transport=True,
        service_context={name.lower(): value for name, value in (context or {}).items()},
        principal_keys=principal.keys,
    )
