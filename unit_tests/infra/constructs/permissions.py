"""Reads what a role may do out of a small stack, one line an action and resource."""

import json
from typing import Any

from aws_cdk import Stack

from unit_tests.infra.constructs.small_stack import of_type


def statements(stack: Stack, policy: str) -> list[dict[str, Any]]:
    """Return the statements of the one managed policy whose logical id begins with `policy`."""
    (found,) = (each for id_, each in of_type(stack, "AWS::IAM::ManagedPolicy").items() if id_.startswith(policy))
    return list(found["PolicyDocument"]["Statement"])


def allowed(stack: Stack, policy: str) -> dict[str, set[str]]:
    """Return the resources of each allowed action; a reference is written as its JSON, sorted and without spaces."""
    found: dict[str, set[str]] = {}
    for statement in statements(stack, policy):
        if statement["Effect"] == "Allow":
            for action in _several(statement["Action"]):
                found.setdefault(action, set()).update(map(_text, _several(statement["Resource"])))
    return found


def _several(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
