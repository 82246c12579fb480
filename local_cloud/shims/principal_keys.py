"""Condition keys of a caller: whether it is an AWS service, and the ARN of its principal.

Faithful: every signed request has `aws:PrincipalIsAWSService`, so a policy that denies all but AWS services denies a role.
`aws:PrincipalArn` of a session is the ARN of its role, path included.
Different from AWS: nothing known.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from local_cloud.shims import _permissions


def install() -> None:
    """Add the keys to the condition keys of a caller."""
    stock = iam_evaluator._principal_keys

    def keys(credential: Any) -> dict[str, Any]:  # noqa: ANN401  ministack's ResolvedCredential
        return {**stock(credential), **_permissions.NO_SERVICE}

    iam_evaluator._principal_keys = keys
    _name_the_role()


def _name_the_role() -> None:
    stock = iam_evaluator._resolve_condition_key

    def resolve(key: str, context: Any) -> Any:  # noqa: ANN401  ministack's EvalContext
        if key.lower() != "aws:principalarn" or context.principal_type != "AssumedRole":
            return stock(key, context)
        name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
        role = iam._roles.get_scoped(context.principal_account, None, name) or {}
        return role.get("Arn", context.principal_arn)

    iam_evaluator._resolve_condition_key = resolve
