"""Read policy statements from JSON whose intrinsics are resolved, and match them with requests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unit_tests.infra.iam.conditions import Context, holds, matches

Conditions = frozenset[tuple[str, str, tuple[str, ...]]]
"""The conditions of a statement: operator, condition key and values of each."""


class UnknownPolicyError(Exception):
    """Raised when a policy uses a part of IAM that the evaluator does not support."""


class Grant(NamedTuple):
    """The smallest part of a policy: one action on one resource."""

    effect: str
    action: str
    resource: str
    conditions: Conditions = frozenset()


@dataclass(frozen=True)
class Request:
    """One call to AWS."""

    principal: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    conditions: Conditions

    def speaks_of(self, request: Request, context: Context) -> bool:
        """Return whether the statement, Allow or Deny, applies to a request."""
        return (
            any(matches(pattern.lower(), request.action.lower()) for pattern in self.actions)
            and any(matches(pattern, request.resource) for pattern in self.resources)
            and all(holds(operator, key, values, context) for operator, key, values in self.conditions)
            and (not self.principals or any(self._means(each, request, context) for each in self.principals))
        )

    def grants(self) -> Iterator[Grant]:
        for action in self.actions:
            for resource in self.resources:
                yield Grant(self.effect, action, resource, self.conditions)

    @staticmethod
    def _means(principal: str, request: Request, context: Context) -> bool:
        account = context.get("aws:PrincipalAccount")
        return principal in {"*", request.principal, account and f"arn:aws:iam::{account}:root"}


def parse(document: Mapping[str, Any]) -> list[Statement]:
    """Read a policy document whose intrinsics are resolved."""
    return [_statement(each) for each in _list(document["Statement"])]


def _statement(statement: Mapping[str, Any]) -> Statement:
    known = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}
    if unknown := statement.keys() - known:
        raise UnknownPolicyError(f"the evaluator does not know {', '.join(sorted(unknown))}; write it by {sorted(known)}")
    if statement["Effect"] not in {"Allow", "Deny"}:
        raise UnknownPolicyError(f"an effect is Allow or Deny, not {statement['Effect']}")
    return Statement(
        effect=statement["Effect"],
        actions=tuple(_list(statement["Action"])),
        resources=tuple(_list(statement.get("Resource", []))),
        principals=tuple(_principals(statement.get("Principal", []))),
        conditions=frozenset(
            (operator, key, tuple(map(_text, _list(values))))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        ),
    )


def _principals(principal: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(principal, Mapping):
        for kind, who in principal.items():
            if kind not in {"AWS", "Service"}:
                raise UnknownPolicyError(f"the evaluator does not know principals of the kind {kind}")
            yield from _list(who)
    else:
        yield from _list(principal)


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
