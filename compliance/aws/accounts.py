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


LOAD_BALANCING: Final = frozenset(
    {
        "127311923021", "033677994240", "027434742980", "797873946194", "098369216593", "754344448648", "589379963580",
        "718504428378", "383597477331", "600734575887", "114774131450", "783225319266", "582318560864", "985666609251",
        "054676820928", "156460612806", "652711504416", "635631232127", "009996457667", "897822967062", "076674570225",
        "507241528517", "048591011584", "190560391635", "638102146993", "037604701340",
    }
)  # fmt: skip
"""Accounts of AWS from which Elastic Load Balancing writes access logs, by region:
https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/enable-access-logs.html"""
DELIVERS: Final = "s3:PutObject"
"""The only action that it needs."""


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
    if statement.actions == (DELIVERS,):
        texts = [text for text in texts if account_in(text) not in LOAD_BALANCING]
    texts += [value for condition in statement.conditions if _says_who(condition) for value in condition.values]
    return strange_accounts(texts, world)


def strange_accounts(texts: list[str], world: TemplateSet) -> list[str]:
    """Return the accounts in ARNs, or alone, that are not the system's own; each once."""
    named = (account_in(text) for text in texts)
    return [account for account in dict.fromkeys(named) if account is not None and is_unknown_principal(account, world)]


def _says_who(condition: Condition) -> bool:
    return bool(_KEYS.fullmatch(condition.key) and _EQUALITY.fullmatch(condition.operator))
