"""An endpoint's policy names the principals that it admits."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.permissions import narrows
from compliance.cfn.policies import statements
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_WHO: Final = re.compile(
    r"aws:Principal(Account|Arn|OrgID|OrgPaths|IsAWSService|ServiceName)|kms:CallerAccount", re.IGNORECASE
)
"""Keys of conditions that say who calls."""


def _has_policy(endpoint: Resource, _world: TemplateSet) -> bool:
    return not is_absent(endpoint.properties.get("PolicyDocument"))


def _violations(endpoint: Resource, _world: TemplateSet) -> Iterator[str]:
    for statement in statements(endpoint.properties["PolicyDocument"], endpoint.template):
        is_open = not any(narrows(condition, _WHO) for condition in statement.conditions)
        if statement.allows and statement.is_about_everyone and is_open:
            yield f"{statement.name} admits every principal; restrict it by aws:PrincipalArn or aws:PrincipalAccount"


RULE = Rule(
    title="Each endpoint's policy restricts its principals",
    why=(
        "An intruder in the network may use credentials of another account, and an endpoint without a principal carries "
        "those calls too. Gateway endpoints accept only the principal `*`, and there a condition restricts it."
    ),
    fix='Add the condition ArnEquals {"aws:PrincipalArn": <the role>} to each statement, or name the account.',
    judge=rule_from(_violations, "AWS::EC2::VPCEndpoint", applies=_has_policy),
    controls=nist("AC-3", "AC-4", "AC-6", "SC-7")
    + hipaa("164.308(a)(3)(i)", "164.312(a)(1)", "164.312(e)(1)")
    + pci("1.2.1", "7.1.1", "7.2.1"),
)
