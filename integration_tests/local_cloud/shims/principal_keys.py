"""The condition key that tells AWS's services from everybody else.

Faithful: every signed request has `aws:PrincipalIsAWSService`, so a refusal to all but AWS's services refuses a role.
Different from AWS: nothing known.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator

from integration_tests.local_cloud.shims import _permissions


def install() -> None:
    """Add the key to what is known of a caller."""
    stock = iam_evaluator._principal_keys

    def keys(credential: Any) -> dict[str, Any]:  # noqa: ANN401  ministack's ResolvedCredential
        return {**stock(credential), **_permissions.NO_SERVICE}

    iam_evaluator._principal_keys = keys
