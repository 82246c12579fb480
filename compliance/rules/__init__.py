"""Our own rules, one small file each. Every module here that defines `RULE` is a rule; nothing else need be touched."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from compliance.controls.catalogue import UnknownControlError
from compliance.rule import Rule


class RuleError(Exception):
    """A rule's file is wrong. The message says which and how."""


@cache
def our_rules() -> tuple[Rule, ...]:
    """Every rule in this folder, by id.

    Raises:
        RuleError: One of them names a control that there is not, or is no rule.
    """
    found = (_rule(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(sorted((rule for rule in found if rule is not None), key=lambda rule: rule.id))


def _rule(name: str) -> Rule | None:
    file = f"{name.replace('.', '/')}.py"
    try:
        rule = getattr(import_module(name), "RULE", None)
    except UnknownControlError as error:
        raise RuleError(f"{file}: {error}") from error
    if rule is not None and not isinstance(rule, Rule):
        raise RuleError(f"{file}: RULE is a {type(rule).__name__}; it must be a compliance.rule.Rule")
    return rule
