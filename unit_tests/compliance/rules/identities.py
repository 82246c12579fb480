"""Policies of identities in every shape that a template has for them."""

from unit_tests.compliance.rules.corruptions import Resource, Value, given, resource


def statement(**changes: Value) -> dict[str, Value]:
    """Return a statement that names what it allows; None removes a part."""
    table = "arn:aws:dynamodb:us-west-2:000000000000:table/serverless-ledger-prod"
    whole = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": table}
    return given(**{**whole, **changes})


def managed(**changes: Value) -> Resource:
    return resource("IAM::ManagedPolicy", PolicyDocument={"Statement": [statement(**changes)]})


def shapes(**changes: Value) -> list[Resource]:
    """Return the same statement as a managed policy, and inline in every way."""
    document = {"Statement": [statement(**changes)]}
    policies = ("GroupPolicy", "ManagedPolicy", "Policy", "RolePolicy", "UserPolicy")
    inline = [{"PolicyName": "a", "PolicyDocument": document}]
    return [
        *(resource(f"IAM::{kind}", PolicyDocument=document) for kind in policies),
        *(resource(f"IAM::{kind}", Policies=inline) for kind in ("Group", "Role", "User")),
    ]
