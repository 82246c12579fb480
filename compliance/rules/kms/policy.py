"""The account's root administers a key, and the key's policy names every other principal."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.accounts import is_unknown_principal
from compliance.aws.admission import KEYS
from compliance.cfn.policies import Principal, Statement, covers, statements
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_ROOT: Final = re.compile(r"(arn:[^:]+:iam::)?(\$\{AWS::AccountId\}|(?P<literal>[0-9]{12}))(:root)?")


def _violations(key: Resource, world: TemplateSet) -> Iterator[str]:
    document = key.properties.get("KeyPolicy")
    if is_absent(document):
        return  # KMS then lets the account's root alone do everything
    found = [statement for statement in statements(document, key.template, "KeyPolicy") if statement.allows]
    if not any(_lets_root_rule(statement, world) for statement in found):
        yield "KeyPolicy does not let the account's root change it, so nobody may be able to repair it"
    for statement in found:
        yield from _of_statement(statement, world)


def _of_statement(statement: Statement, world: TemplateSet) -> Iterator[str]:
    if statement.not_principals or statement.not_actions:
        yield f"{statement.name} allows all but what it names; name who may do what"
    others = [principal for principal in statement.principals if not _is_root(principal, world)]
    wide = [action for action in statement.actions if covers(action, "kms:*")]
    if others and wide:
        yield f"{statement.name} allows {', '.join(wide)} to {_shown(others)}; only the account's root may have it"
    everyone = [principal for principal in others if "*" in principal.id]
    if everyone and not statement.conditions:
        yield f"{statement.name} lets {_shown(everyone)} use the key on no condition"


def _lets_root_rule(statement: Statement, world: TemplateSet) -> bool:
    return (
        any(_is_root(principal, world) for principal in statement.principals)
        and statement.covers_action("kms:PutKeyPolicy")
        and not statement.conditions
    )


def _is_root(principal: Principal, world: TemplateSet) -> bool:
    """Return whether it is the root of the key's own account; another account's root stands for everyone there."""
    found = _ROOT.fullmatch(principal.id)
    if principal.kind != "AWS" or found is None:
        return False
    return found["literal"] is None or not is_unknown_principal(found["literal"], world)


def _shown(principals: list[Principal]) -> str:
    return ", ".join(principal.id for principal in principals)


RULE = Rule(
    title="Only the account's root may perform every action on a key; every other principal is named",
    why=(
        "A principal with kms:* can change the key's policy, exclude everyone else and schedule the key's deletion: all "
        "data under it is lost in that region. Nobody can repair a key whose policy lacks the root."
    ),
    fix="Allow kms:* to arn:aws:iam::<account>:root alone, and name the few actions of each service or role.",
    judge=rule_from(_violations, *KEYS),
    controls=nist("AC-3", "AC-6", "SC-12", "SC-28")
    + hipaa("164.308(a)(4)(ii)(B)", "164.312(a)(1)", "164.312(a)(2)(iv)")
    + pci("3.5.2", "7.1.2", "7.2.1"),
)
