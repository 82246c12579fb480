"""Our own rules, by the service that they are about. Every module here that defines `RULE` is a rule, by being there."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from compliance.controls.catalogue import UnknownControlError
from compliance.engine.rule import Rule
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


class RuleError(Exception):
    """A rule's file is wrong. The message says which and how."""


@cache
def our_rules() -> tuple[Rule, ...]:
    """Return every rule in this folder, by id.

    A rule's id follows from its path: `sqs/dead_letters.py` is `ActivePassive-SQSDeadLetters`, and
    `naming/tagging_required.py` is `Tagging-Required`.

    Raises:
        RuleError: One of them cannot be imported, names a control that there is not, is no rule, or has another's id.
    """
    found: dict[str, tuple[str, Rule]] = {}
    for service, name in _modules():
        module = f"{__name__}.{service}.{name}"
        rule = _rule(module)
        if rule is None:
            continue
        rule = replace(rule, id=_id(service, name))
        if rule.id in found:
            raise RuleError(
                f"{_file(module)}: its id {rule.id!r} is that of {_file(found[rule.id][0])} too; rename the file"
            )
        found[rule.id] = module, rule
    return tuple(rule for _, (_, rule) in sorted(found.items()))


def _modules() -> Iterator[tuple[str, str]]:
    """Yield the folder and the name of each module of each service."""
    for service in iter_modules(__path__):
        if service.ispkg:
            for module in iter_modules(import_module(f"{__name__}.{service.name}").__path__):
                yield service.name, module.name


def _rule(module: str) -> Rule | None:
    try:
        rule = getattr(import_module(module), "RULE", None)
    except UnknownControlError as error:
        raise RuleError(f"{_file(module)}: {error}") from error
    except Exception as error:
        # whatever is wrong with a file, its author is to read which file it is
        raise RuleError(f"{_file(module)}: cannot be imported ({type(error).__name__}: {error})") from error
    if rule is None:
        return None
    if not isinstance(rule, Rule):
        raise RuleError(f"{_file(module)}: RULE is a {type(rule).__name__}; it must be a {Rule.__module__}.Rule")
    if rule.id:
        raise RuleError(f"{_file(module)}: RULE has the id {rule.id!r}; delete it, for the id follows from the file's path")
    return rule


def _id(service: str, name: str) -> str:
    if service != _NAMING:
        return f"{_PACK}-{_camel(service)}{_camel(name)}"
    pack, _, rest = name.partition("_")
    file = _file(f"{__name__}.{service}.{name}")
    if not rest:
        raise RuleError(f"{file}: its name {name!r} has one word; write <pack>_<name>.py, as naming_bucket.py")
    if _camel(pack) in {*PACKS, native.PACK}:
        raise RuleError(f"{file}: its rule would pass for one of {_camel(pack)}; begin the file's name with a pack of ours")
    return f"{_camel(pack)}-{_camel(rest)}"


def _camel(name: str) -> str:
    return "".join(_NAMES.get(word, word.capitalize()) for word in name.split("_"))


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"
