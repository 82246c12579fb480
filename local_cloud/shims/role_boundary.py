"""`AWS::IAM::Role`: its permissions boundary.

Faithful: a boundary that does not exist fails the deployment, and one that exists limits what the role may do.
Different from AWS: nothing known.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from ministack.services import iam

from local_cloud.shims import _templates


def install() -> None:
    """Set the boundary of every role of a template."""
    _templates.extend("AWS::IAM::Role", _apply)


def _apply(role: _templates.Resource) -> _templates.Attributes:
    boundary = role.properties.get("PermissionsBoundary")
    if boundary:
        status, _, body = iam._put_role_permissions_boundary(
            {"RoleName": [role.physical_id], "PermissionsBoundary": [boundary]}
        )
        if status >= 400:
            raise ValueError(f"The permissions boundary {boundary} cannot be set: {body}")
    elif iam._roles[role.physical_id].get("PermissionsBoundary"):
        iam._delete_role_permissions_boundary({"RoleName": [role.physical_id]})
    return {}
