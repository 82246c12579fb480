"""Policy documents as IAM reads them: statements of principals, actions, resources and conditions.

They come as a map or as JSON in a string, with one statement or a list, one action or a list, keys of conditions in any
case. What cannot be read whole is an UnresolvedError: a statement that was skipped could be the one that matters.
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
    """Whom a statement is about: a kind (`AWS`, `Service`, `Federated`, `CanonicalUser`) and an id, as rendered."""

    kind: str
    id: str

    @property
    def is_everyone(self) -> bool:
        """Whether it stands for all principals, the anonymous ones too."""
        return self.id == EVERYONE and self.kind in {EVERYONE, "AWS"}


class Condition(NamedTuple):
    """One test of a statement; all of a statement's tests must hold. Texts are rendered."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, with every text rendered: what only a deployment knows is `${...}` in it.

    Attributes:
        name: Its Sid, or `statement 3`, for messages.
        effect: `Allow` or `Deny`.
        principals: Whom it is about; empty in an identity's policy.
        not_principals: Whom it leaves out. It is then about everybody else.
        actions: Patterns of actions, for example `s3:Get*`.
        not_actions: Patterns that it leaves out. It is then about every other action.
        resources: Patterns of ARNs; empty in a role's trust policy.
        not_resources: Patterns that it leaves out. It is then about every other resource.
        conditions: Tests that must all hold.
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
        """Whether it grants what it is about."""
        return self.effect == ALLOW

    @property
    def denies(self) -> bool:
        """Whether it forbids what it is about."""
        return self.effect == DENY

    @property
    def is_about_everyone(self) -> bool:
        """Whether every principal is meant, whatever the conditions."""
        return any(principal.is_everyone for principal in self.principals)

    def covers_action(self, action: str) -> bool:
        """Whether it is about an action, or about every action that a pattern such as `s3:*` stands for."""
        if self.not_actions:
            return not any(may_meet(pattern, action) for pattern in self.not_actions)
        return any(covers(pattern, action) for pattern in self.actions)

    def services(self) -> tuple[str, ...]:
        """The ids of the service principals."""
        return tuple(principal.id for principal in self.principals if principal.kind == "Service")


def policies(document: Json, template: Template, place: str = "PolicyDocument") -> Iterator[tuple[Statement, ...]]:
    """The statements of a policy document, once for each branch of the conditions in it.

    Raises:
        UnresolvedError: The document is absent, malformed, or not spelled out by the template.
    """
    for version in branches(document):
        yield statements(version, template, place)


def statements(document: Json, template: Template, place: str = "PolicyDocument") -> tuple[Statement, ...]:
    """The statements of a policy document that hangs on no condition.

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
    """Whether a pattern of actions stands for an action, or for all that another pattern stands for."""
    return _matcher(pattern.lower()).fullmatch(action.lower()) is not None


def may_meet(pattern: str, other: str) -> bool:
    """Whether some action may be meant by both patterns. It errs on the side of yes: only what they begin with counts."""
    one, two = (_WILDCARD.split(text.lower(), maxsplit=1)[0] for text in (pattern, other))
    return one.startswith(two) or two.startswith(one) if _WILDCARD.search(pattern + other) else one == two


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> re.Pattern[str]:
    """In IAM's patterns `*` is any text and `?` any one character, so `?` does not stand for another pattern's `*`.

    What stands between two asterisks is matched where it first occurs and not tried elsewhere: that finds every match, and
    takes no exponential time for a pattern of many asterisks.
    """
    first, *others = (_one_character(part) for part in pattern.split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last, re.DOTALL)


def _one_character(text: str) -> str:
    return "".join("[^*]" if character == "?" else re.escape(character) for character in text)
