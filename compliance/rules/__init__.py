"""Our own rules, one small file each. Every module here that defines `RULE` is a rule; nothing else need be touched."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from compliance.controls.catalogue import UnknownControlError
from compliance.engine.rule import Rule
from compliance.packs import native
from compliance.packs.nag import PACKS


class RuleError(Exception):
    """A rule's file is wrong. The message says which and how."""


@cache
def our_rules() -> tuple[Rule, ...]:
    """Every rule in this folder, by id.

    Raises:
        RuleError: One of them cannot be imported, names a control that there is not, is no rule, or has another's id.
    """
    found: dict[str, tuple[str, Rule]] = {}
    for module in iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        rule = _rule(name)
        if rule is None:
            continue
        if rule.id in found:
            raise RuleError(f"{_file(name)}: its id {rule.id!r} is that of {_file(found[rule.id][0])} too; give it another")
        found[rule.id] = name, rule
    return tuple(rule for _, (_, rule) in sorted(found.items()))


def _rule(name: str) -> Rule | None:
    try:
        rule = getattr(import_module(name), "RULE", None)
    except UnknownControlError as error:
        raise RuleError(f"{_file(name)}: {error}") from error
    except Exception as error:
        # whatever is wrong with a file, its author is to read which file it is
        raise RuleError(f"{_file(name)}: cannot be imported ({type(error).__name__}: {error})") from error
    if rule is None:
        return None
    if not isinstance(rule, Rule):
        raise RuleError(f"{_file(name)}: RULE is a {type(rule).__name__}; it must be a compliance.engine.rule.Rule")
    pack, dash, short = rule.id.partition("-")
    if not (pack and dash and short):
        raise RuleError(f"{_file(name)}: its id {rule.id!r} must be <Pack>-<Name>, as ActivePassive-Tls")
    if pack in PACKS or pack == native.PACK:
        raise RuleError(f"{_file(name)}: its id {rule.id!r} would pass for a rule of {pack}; name a pack of ours")
    return rule


def _file(name: str) -> str:
    return f"{name.replace('.', '/')}.py"
