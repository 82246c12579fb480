"""Policies of identities in every shape that a template has for them."""

from typing import Any

Resource = dict[str, Any]


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a statement that names what it allows; None takes a part away."""
    whole = {
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
        "Resource": "arn:aws:dynamodb:us-west-2:000000000000:table/serverless-ledger-prod",
        **changes,
    }
    return {key: part for key, part in whole.items() if part is not None}


def managed(**changes: Any) -> Resource:  # noqa: ANN401
    """Return a managed policy with that statement."""
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [statement(**changes)]}}}


def shapes(**changes: Any) -> list[Resource]:  # noqa: ANN401
    """Return the same statement as a managed policy, and inline in every way."""
    document = {"Statement": [statement(**changes)]}
    return [
        *(
            {"Type": f"AWS::IAM::{kind}", "Properties": {"PolicyDocument": document}}
            for kind in ("GroupPolicy", "ManagedPolicy", "Policy", "RolePolicy", "UserPolicy")
        ),
        *(
            {"Type": f"AWS::IAM::{kind}", "Properties": {"Policies": [{"PolicyName": "a", "PolicyDocument": document}]}}
            for kind in ("Group", "Role", "User")
        ),
    ]
