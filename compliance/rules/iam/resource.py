"""A policy names the resources that it allows, where AWS supports that."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.accounts import strange_accounts
from compliance.aws.identity_policies import TYPES, allowed, has_policies
from compliance.aws.permissions import is_narrowed, knows_no_resource, needless_wildcards
from compliance.cfn.references import resource_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_LEADING: Final = re.compile("dynamodb:LeadingKeys", re.IGNORECASE)
_SELECTING: Final = re.compile(rf"{_LEADING.pattern}|kms:ResourceAliases", re.IGNORECASE)
"""Keys of conditions that say which rows, and which keys, are meant."""
_WHOLE: Final = re.compile(r"\$\{(\w+)\}")


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for statement in allowed(resource):
        foreign = strange_accounts(list(statement.resources), world)
        if foreign:
            yield f"{statement.name} reaches into account {', '.join(foreign)}, which is not the account of these templates"
        if statement.not_resources:
            yield f"{statement.name} allows every resource but {', '.join(statement.not_resources)}; name those meant"
        elif not statement.resources:
            yield f"{statement.name} names no Resource"
        wild = needless_wildcards(statement)
        if wild:
            named = [action for action in statement.actions if not knows_no_resource(action)]
            yield f"{statement.name} allows {', '.join(named)} on {', '.join(wild)}; AWS lets a policy name their resource"
        for operator, key, values in statement.conditions:
            is_of_any = _LEADING.fullmatch(key) and operator.lower().startswith("foranyvalue")
            is_open = any(value.removeprefix("alias/")[:1] in {"*", "?"} for value in values)
            if _SELECTING.fullmatch(key) and (is_of_any or is_open or "not" in operator.lower()):
                yield f"{statement.name} allows by {operator} {key} {', '.join(values)}, which is more than one means"
        if not is_narrowed(statement.conditions):
            _refuse_parameters(statement.resources, resource)


def _refuse_parameters(patterns: tuple[str, ...], resource: Resource) -> None:
    for pattern in patterns:
        found = _WHOLE.fullmatch(pattern)
        if found and resource_of(resource.template, found[1]) is None:
            raise UnresolvedError(f"the template does not say which resource {pattern} is; it may be a wildcard")


RULE = Rule(
    title="No policy uses a wildcard as resource where AWS supports a resource",
    why=(
        "A function that reads one table must not be able to read every table of the account. Some actions support no "
        "resource (X-Ray's, most of EC2's Describe…), and only those need the wildcard."
    ),
    fix=(
        "Name the resource's ARN. Behind a key's alias, allow key/* under the condition kms:ResourceAliases. Put actions "
        "that support no resource in a statement of their own."
    ),
    judge=rule_from(_violations, *TYPES, applies=has_policies),
    controls=nist("AC-3", "AC-5", "AC-6", "AC-6(10)")
    + hipaa("164.308(a)(3)(i)", "164.308(a)(4)(ii)(B)", "164.312(a)(1)")
    + pci("7.1.2", "7.1.3", "7.2.1", "7.2.2"),
)
