"""Read policy documents as IAM does: statements of principals, actions, resources and conditions.

A document is a map or JSON in a string. It has one statement or a list, one action or a list, and condition keys in any
case. A document that cannot be read in full raises UnresolvedError, because a skipped statement could be the unsafe one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from compliance.cfn.reading import branches, is_intrinsic, one_or_more, require_mapping, require_text
from compliance.cfn.references import render
from compliance.cfn.templates import Json, Template
from compliance.cfn.values import UnresolvedError, describe, is_absent

ALLOW: Final = "Allow"
DENY: Final = "Deny"
EVERYONE: Final = "*"

_KEYS: Final = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    }
)  # fmt: skip
_WILDCARD: Final = re.compile(r"[*?]")
_KINDS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


class Principal(NamedTuple):
    """A principal of a statement: a kind (`AWS`, `Service`, `Federated`, `CanonicalUser`) and a rendered id."""

    kind: str
    id: str

    @property
    def is_everyone(self) -> bool:
        """Whether it means all principals, also anonymous ones."""
        return self.id == EVERYONE and self.kind in {EVERYONE, "AWS"}


class Condition(NamedTuple):
    """One condition of a statement, with rendered texts; all conditions of a statement must hold."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement with rendered texts, in which `${...}` is a value that is known only at deployment.

    Attributes:
        name: Its Sid, or `statement 3`, for messages.
        effect: `Allow` or `Deny`.
        principals: `Principal`; empty in an identity's policy.
        not_principals: `NotPrincipal`: the statement applies to all others.
        actions: Patterns of actions, for example `s3:Get*`.
        not_actions: `NotAction`: the statement applies to all other actions.
        resources: Patterns of ARNs; empty in a role's trust policy.
        not_resources: `NotResource`: the statement applies to all other resources.
        conditions: Conditions that must all hold.
    """

    name: str
    effect: str
    principals: tuple[Principal, ...] = ()
    not_principals: tuple[Principal, ...] = ()
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())

    @property
    def allows(self) -> bool:
        """Whether the effect is Allow."""
        return self.effect == ALLOW

    @property
    def denies(self) -> bool:
        """Whether the effect is Deny."""
        return self.effect == DENY

    @property
    def is_about_everyone(self) -> bool:
        """Whether it applies to every principal, without regard to the conditions."""
        return any(principal.is_everyone for principal in self.principals)

    def covers_action(self, action: str) -> bool:
        """Return whether it applies to an action, or to every action of a pattern such as `s3:*`."""
        if self.not_actions:
            return not any(may_meet(pattern, action) for pattern in self.not_actions)
        return any(covers(pattern, action) for pattern in self.actions)

    def services(self) -> tuple[str, ...]:
        """The ids of the service principals."""
        return tuple(principal.id for principal in self.principals if principal.kind == "Service")


def policies(document: Json, template: Template, place: str = "PolicyDocument") -> Iterator[tuple[Statement, ...]]:
    """Return the statements of a policy document, once for each branch of its conditions.

    Raises:
        UnresolvedError: The document is absent, malformed, or not spelled out by the template.
    """
    for version in branches(document):
        yield statements(version, template, place)


def statements(document: Json, template: Template, place: str = "PolicyDocument") -> tuple[Statement, ...]:
    """Return the statements of a policy document without Fn::If.

    Raises:
        UnresolvedError: The document is absent, malformed, or not spelled out by the template.
    """
    if isinstance(document, str):
        document = _parsed(document, place)
    listed = require_mapping(document, place).get("Statement")
    found = (
        [listed] if isinstance(listed, Mapping) and not is_intrinsic(listed) else one_or_more(listed, f"{place}.Statement")
    )
    if not found:
        raise UnresolvedError(f"{place} is {describe(document)}, a policy without a statement")
    return tuple(_statement(body, template, f"{place}.Statement[{index}]") for index, body in enumerate(found))


def _parsed(text: str, place: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        raise UnresolvedError(f"{place} is a string that is not JSON: {text[:60]!r}") from None


def _statement(body: Json, template: Template, place: str) -> Statement:
    body = require_mapping(body, place)
    unknown = sorted(set(body) - _KEYS)
    if unknown:
        raise UnresolvedError(f"{place} has {', '.join(map(str, unknown))}, which no policy statement has")
    effect = require_text(body.get("Effect"), f"{place}.Effect")
    if effect not in {ALLOW, DENY}:
        raise UnresolvedError(f"{place}.Effect is {effect!r}, neither 'Allow' nor 'Deny'")
    actions = _actions(body.get("Action"), f"{place}.Action")
    not_actions = _actions(body.get("NotAction"), f"{place}.NotAction")
    if bool(actions) == bool(not_actions):
        raise UnresolvedError(f"{place} must have either Action or NotAction")
    return Statement(
        name=require_text(body.get("Sid"), f"{place}.Sid") or place,
        effect=effect,
        principals=_principals(body.get("Principal"), template, f"{place}.Principal"),
        not_principals=_principals(body.get("NotPrincipal"), template, f"{place}.NotPrincipal"),
        actions=actions,
        not_actions=not_actions,
        resources=_texts(body.get("Resource"), template, f"{place}.Resource"),
        not_resources=_texts(body.get("NotResource"), template, f"{place}.NotResource"),
        conditions=tuple(_conditions(body.get("Condition"), template, f"{place}.Condition")),
    )


def _principals(value: Json, template: Template, place: str) -> tuple[Principal, ...]:
    if is_absent(value):
        return ()
    if isinstance(value, str):
        if value != EVERYONE:
            raise UnresolvedError(f"{place} is {value!r}; a string can only be '*'")
        return (Principal(EVERYONE, EVERYONE),)
    kinds = require_mapping(value, place)
    unknown = sorted(set(kinds) - _KINDS)
    if unknown:
        raise UnresolvedError(f"{place} has {', '.join(map(str, unknown))}; allowed: {', '.join(sorted(_KINDS))}")
    return tuple(Principal(kind, text) for kind, ids in kinds.items() for text in _texts(ids, template, f"{place}.{kind}"))


def _actions(value: Json, place: str) -> tuple[str, ...]:
    found = one_or_more(value, place)
    if not all(isinstance(action, str) for action in found):
        raise UnresolvedError(f"{place} is {describe(value)}; the template must spell out each action")
    return tuple(found)


def _texts(value: Json, template: Template, place: str) -> tuple[str, ...]:
    return tuple(render(part, template) for part in one_or_more(value, place))


def _conditions(value: Json, template: Template, place: str) -> Iterator[Condition]:
    for operator, tests in require_mapping(value, place).items():
        for key, values in require_mapping(tests, f"{place}.{operator}").items():
            yield Condition(operator, key, _texts(values, template, f"{place}.{operator}.{key}"))


def covers(pattern: str, action: str) -> bool:
    """Return whether a pattern covers an action, or all actions of another pattern."""
    return _matcher(pattern.lower()).fullmatch(action.lower()) is not None


def may_meet(pattern: str, other: str) -> bool:
    """Return whether an action may match both patterns. It compares prefixes only, so it may return True too often."""
    one, two = (_WILDCARD.split(text.lower(), maxsplit=1)[0] for text in (pattern, other))
    return one.startswith(two) or two.startswith(one) if _WILDCARD.search(pattern + other) else one == two


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> re.Pattern[str]:
    """Return whether IAM's pattern covers a text: `*` is any text and `?` any one character, but not another's `*`.

    The text between two asterisks is matched at its first occurrence only. That finds every match, without exponential
    time for a pattern of many asterisks.
    """
    first, *others = (_one_character(part) for part in pattern.split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last, re.DOTALL)


def _one_character(text: str) -> str:
    return "".join("[^*]" if character == "?" else re.escape(character) for character in text)
