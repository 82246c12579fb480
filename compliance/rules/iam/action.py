"""A policy names the actions that it allows."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.identity_policies import TYPES, allowed, attached, has_policies
from compliance.aws.permissions import wild_actions
from compliance.cfn.references import render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_WIDE: Final = re.compile(r"arn:[^:]*:iam::aws:policy/(.*/)?(AdministratorAccess.*|PowerUserAccess|.*FullAccess.*)")
"""AWS's own managed policies that hold wildcards of actions, by their names."""


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    for statement in allowed(resource):
        if statement.not_actions:
            yield f"{statement.name} allows every action but {', '.join(statement.not_actions)}; name those that are needed"
        wild = wild_actions(statement.actions)
        if wild:
            yield f"{statement.name} allows {', '.join(wild)}; name each action that is needed"
    for policy in attached(resource):
        arn = render(policy, resource.template)
        if _WIDE.fullmatch(arn):
            yield f"it is given {arn}, which allows whole services"


RULE = Rule(
    title="No policy allows an action by a wildcard or by NotAction",
    why=(
        "A wildcard also allows unintended actions: deleting the bucket, changing its policy, and every action that AWS "
        "later adds to the service. NotAction does so for all services at once."
    ),
    fix="List the actions that the code calls, one by one. CloudTrail's records show them.",
    judge=rule_from(_violations, *TYPES, applies=has_policies),
    controls=nist("AC-3", "AC-5", "AC-6", "AC-6(10)")
    + hipaa("164.308(a)(3)(i)", "164.308(a)(4)(ii)(B)", "164.312(a)(1)")
    + pci("7.1.2", "7.1.3", "7.2.1", "7.2.2"),
)
