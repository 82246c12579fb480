"""Our own rules, one small file each. Every module here that defines `RULE` is a rule; nothing else need be touched."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from compliance.rule import Rule


@cache
def our_rules() -> tuple[Rule, ...]:
    """Every rule in this folder, by id."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(sorted((m.RULE for m in modules if hasattr(m, "RULE")), key=lambda rule: rule.id))
