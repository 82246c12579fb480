"""Which account is the system's own, and which a policy names that is a stranger's."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from compliance.arns import ACCOUNT
from compliance.memory import once
from compliance.policies import Condition, Statement
from compliance.references import values_in
from compliance.templates import Json, Resource, World

_LITERAL: Final = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
_ARN: Final = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(?P<account>\d{12}):.*", re.DOTALL)
_ALONE: Final = re.compile(r"\d{12}")

_HOLDERS: Final = re.compile(
    r"AWS::IAM::.*|AWS::KMS::(Replica)?Key|AWS::Lambda::Permission|AWS::[A-Za-z0-9]+::.*Policy|AWS::ECR::Repository"
)
"""Types that hold policies: what they name may be a stranger's, so it does not count while another resource tells."""
_KEYS: Final = re.compile(r"aws:Source(Account|Arn|Owner)|aws:Principal(Account|Arn)|kms:CallerAccount", re.IGNORECASE)
"""Keys of conditions whose values are an account, or an ARN with one."""
_EQUALITY: Final = re.compile(
    r"((ForAnyValue|ForAllValues):)?(String|Arn)(Equals|Like|EqualsIgnoreCase)(IfExists)?", re.IGNORECASE
)


def account_in(text: str) -> str | None:
    """The literal account that a rendered text is, or that stands in the ARN that it is; None if there is none."""
    found = _ARN.fullmatch(text)
    return found["account"] if found else text if _ALONE.fullmatch(text) else None


def is_stranger(account: str, world: World) -> bool:
    """Whether a literal account is not the one that the templates themselves are for."""
    return account not in _own(world)


def strangers(statement: Statement, world: World) -> list[str]:
    """The accounts, but for the system's own, that a statement names as principal or in a condition on who asks."""
    texts = [principal.id for principal in statement.principals]
    texts += [value for condition in statement.conditions if _says_who(condition) for value in condition.values]
    return strange_accounts(texts, world)


def strange_accounts(texts: list[str], world: World) -> list[str]:
    """The accounts in ARNs, or alone, that are not the system's own; each once."""
    named = (account_in(text) for text in texts)
    return [account for account in dict.fromkeys(named) if account is not None and is_stranger(account, world)]


def _says_who(condition: Condition) -> bool:
    return bool(_KEYS.fullmatch(condition.key) and _EQUALITY.fullmatch(condition.operator))


@once
def _own(world: World) -> frozenset[str]:
    """The literal accounts that mean the account that is deployed to: the one, or those of a tie, named most often.

    The resources that hold no policy tell. Where they name none, templates that write `AWS::AccountId` have no literal of
    their own, and in those that do not the policies themselves are all there is.
    """
    named: Counter[str] = Counter()
    in_policies: Counter[str] = Counter()
    is_pseudo = False
    for resource in (each for template in world.templates for each in template.resources):
        counted = in_policies if _HOLDERS.fullmatch(resource.type) else named
        for text in _texts(resource):
            counted.update(_LITERAL.findall(text))
            is_pseudo = is_pseudo or text == "AWS::AccountId" or ACCOUNT in text
    counts = named or (Counter[str]() if is_pseudo else in_policies)
    most = max(counts.values(), default=0)
    return frozenset(account for account, count in counts.items() if count == most)


def _texts(resource: Resource) -> Iterator[str]:
    value: Json
    for value in values_in(resource.properties):
        if isinstance(value, str):
            yield value
