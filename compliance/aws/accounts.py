"""Accounts in a template other than the one that it is deployed to."""

import re
from typing import Final

from compliance.cfn.policies import Condition, Statement
from compliance.cfn.templates import TemplateSet

_ARN: Final = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(?P<account>\d{12}):.*", re.DOTALL)
_ALONE: Final = re.compile(r"\d{12}")

_KEYS: Final = re.compile(r"aws:Source(Account|Arn|Owner)|aws:Principal(Account|Arn)|kms:CallerAccount", re.IGNORECASE)
"""Keys of conditions whose values are an account, or an ARN with one."""
_EQUALITY: Final = re.compile(
    r"((ForAnyValue|ForAllValues):)?(String|Arn)(Equals|Like|EqualsIgnoreCase)(IfExists)?", re.IGNORECASE
)


def account_in(text: str) -> str | None:
    """Return the literal account that a rendered text is, or that stands in the ARN that it is; None if there is none."""
    found = _ARN.fullmatch(text)
    return found["account"] if found else text if _ALONE.fullmatch(text) else None


def is_unknown_principal(account: str, world: TemplateSet) -> bool:
    """Return whether a literal account is not the one that is deployed to. Where that is unknown, no account is ours."""
    return account != world.account


def unknown_principals(statement: Statement, world: TemplateSet) -> list[str]:
    """Return the accounts, but for the system's own, that a statement names as principal or in a condition on who asks."""
    texts = [principal.id for principal in statement.principals]
    texts += [value for condition in statement.conditions if _says_who(condition) for value in condition.values]
    return strange_accounts(texts, world)


def strange_accounts(texts: list[str], world: TemplateSet) -> list[str]:
    """Return the accounts in ARNs, or alone, that are not the system's own; each once."""
    named = (account_in(text) for text in texts)
    return [account for account in dict.fromkeys(named) if account is not None and is_unknown_principal(account, world)]


def _says_who(condition: Condition) -> bool:
    return bool(_KEYS.fullmatch(condition.key) and _EQUALITY.fullmatch(condition.operator))
