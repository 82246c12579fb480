"""Our own rules by service: each module that defines `RULE`, and each entry of a module's table `RULES`, is a rule."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from compliance.controls.catalogue import UnknownControlError
from compliance.engine.rule import Rule
from compliance.engine.user_rules import RuleError, modules, user_rules
from compliance.packs import native
from compliance.packs.nag import PACKS

_PACK: Final = "ActivePassive"
_NAMING: Final = "naming"
"""The folder whose files are named `<pack>_<name>.py`: names, tags, and templates as a whole."""

_NAMES: Final = {
    "apigateway": "APIGateway",
    "awslambda": "Lambda",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "cors": "CORS",
    "dynamodb": "DynamoDB",
    "iam": "IAM",
    "kms": "KMS",
    "secretsmanager": "SecretsManager",
    "sns": "SNS",
    "sqs": "SQS",
    "tls": "TLS",
    "vpc": "VPC",
}
"""Words of paths that ids spell otherwise than with one capital letter."""


_LOCAL_ID: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@cache
def our_rules() -> tuple[Rule, ...]:
    """Return every rule in this folder, by id.

    A rule's id follows from its path: `sqs/dead_letters.py` is `ActivePassive-SQSDeadLetters`, the entry `encryption` of
    `sqs/required.py` is `ActivePassive-SQSEncryption`, and `naming/tagging_required.py` is `Tagging-Required`.

    Raises:
        RuleError: A file cannot be imported, names an unknown control, holds no rule, or repeats another's id.
    """
    return tuple(rule for _, (_, rule) in sorted(_found().items()))


@cache
def every_rule() -> tuple[Rule, ...]:
    """Return our rules and the Python rules of the user's folder; `compliance.packs.native` runs those of other kinds.

    Raises:
        RuleError: As `our_rules`, of a file of the user's too.
    """
    found: dict[str, Rule] = {}
    mine = user_rules()
    for file, module in modules():
        rules = list(_rules(str(file), module))
        if not rules:
            raise RuleError(f"{file}: has neither RULE nor RULES; a file without a rule begins with _")
        for rule in rules:
            named = replace(rule, id=f"{mine.pack if mine else ''}-{_camel(rule.id or file.stem)}")
            if named.id in found:
                raise RuleError(f"{file}: its id {named.id!r} is also that of another rule; rename one of them")
            found[named.id] = named
    return (*our_rules(), *found.values())


def files() -> dict[str, str]:
    """Return the file of each rule by the rule's id, as `our_rules` finds them."""
    return {rule_id: file for rule_id, (file, _) in _found().items()}


def _found() -> dict[str, tuple[str, Rule]]:
    found: dict[str, tuple[str, Rule]] = {}
    for service, name in _modules():
        file = f"{__name__.replace('.', '/')}/{service}/{name}.py"
        for rule in _rules(file, _imported(file, f"{__name__}.{service}.{name}")):
            named = replace(rule, id=_id(file, service, rule.id or name))
            if named.id in found:
                raise RuleError(f"{file}: its id {named.id!r} is also that of {found[named.id][0]}; rename one of them")
            found[named.id] = file, named
    return found


def _modules() -> Iterator[tuple[str, str]]:
    """Yield the folder and the name of each module of each service."""
    for service in iter_modules(__path__):
        if service.ispkg:
            for module in iter_modules(import_module(f"{__name__}.{service.name}").__path__):
                yield service.name, module.name


def _rules(file: str, module: ModuleType) -> Iterator[Rule]:
    """Yield the module's RULE, which has no id yet, and the entries of its RULES, each with the end of its id."""
    alone, table = (module.RULE,) if hasattr(module, "RULE") else (), getattr(module, "RULES", ())
    if not isinstance(table, tuple):
        raise RuleError(f"{file}: RULES is a {type(table).__name__}; it must be a tuple of rules, as (require(...),)")
    for rule in (*alone, *table):
        if not isinstance(rule, Rule):
            raise RuleError(f"{file}: RULE is a {type(rule).__name__}; it must be a {Rule.__module__}.Rule")
        if rule in alone and rule.id:
            raise RuleError(f"{file}: RULE has the id {rule.id!r}; delete it, for the id follows from the file's path")
        if rule not in alone and not _LOCAL_ID.fullmatch(rule.id):
            raise RuleError(
                f"{file}: the entry {rule.title!r} of RULES has the id {rule.id!r}; write lower-case words, as 'deletion'"
            )
        yield rule


def _imported(file: str, name: str) -> ModuleType:
    try:
        return import_module(name)
    except UnknownControlError as error:
        raise RuleError(f"{file}: {error}") from error
    except Exception as error:
        # Whatever the error is, its author needs the name of the file.
        raise RuleError(f"{file}: cannot be imported ({type(error).__name__}: {error})") from error


def _id(file: str, service: str, name: str) -> str:
    if service != _NAMING:
        return f"{_PACK}-{_camel(service)}{_camel(name)}"
    pack, _, rest = name.partition("_")
    if not rest:
        raise RuleError(f"{file}: its name {name!r} has one word; write <pack>_<name>.py, as naming_bucket.py")
    if _camel(pack) in {*PACKS, native.PACK}:
        raise RuleError(f"{file}: its rule would pass for one of {_camel(pack)}; begin the file's name with a pack of ours")
    return f"{_camel(pack)}-{_camel(rest)}"


def _camel(name: str) -> str:
    return "".join(_NAMES.get(word, word.capitalize()) for word in name.split("_"))
