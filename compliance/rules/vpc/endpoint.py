"""An endpoint's policy names the actions and resources that it allows."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.permissions import needless_wildcards, wild_actions
from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_TYPE: Final = "AWS::EC2::VPCEndpoint"
_WITH_POLICY: Final = {"Gateway", "Interface"}
"""The other types of endpoint take no policy."""


def _takes_policy(endpoint: Resource, _world: TemplateSet) -> bool:
    # Gateway is the default of EC2.
    return (require_text(endpoint.properties.get("VpcEndpointType"), "VpcEndpointType") or "Gateway") in _WITH_POLICY


def _violations(endpoint: Resource, _world: TemplateSet) -> Iterator[str]:
    document = endpoint.properties.get("PolicyDocument")
    if is_absent(document):
        yield "PolicyDocument is not set, and EC2 then lets everyone do everything through the endpoint"
        return
    for statement in statements(document, endpoint.template):
        if statement.allows:
            yield from _too_wide(statement)


def _too_wide(statement: Statement) -> Iterator[str]:
    if statement.not_actions or statement.not_resources or statement.not_principals:
        yield f"{statement.name} allows all but what it names; name what is meant instead"
        return
    if not statement.principals or not statement.resources:
        yield f"{statement.name} must name a Principal and a Resource"
    wide = [action for action in wild_actions(statement.actions) if action.partition(":")[2] in {"", "*"}]
    if wide:
        yield f"{statement.name} allows every action ({', '.join(wide)}); name those that go through the endpoint"
    elif resources := needless_wildcards(statement):
        yield f"{statement.name} allows every resource ({', '.join(resources)}); name those that are meant"


RULE = Rule(
    title="Each interface and gateway endpoint has a policy that names actions and resources",
    why=(
        "An endpoint without a policy, or with `*`, carries data from the VPC to any bucket, queue or secret of any "
        "account. It is then the one exit of a closed network."
    ),
    fix="Set PolicyDocument to the actions and resources that the functions behind the endpoint need, and no others.",
    judge=rule_from(_violations, _TYPE, applies=_takes_policy),
    controls=nist("AC-3", "AC-4", "AC-6", "SC-7")
    + hipaa("164.308(a)(3)(i)", "164.312(a)(1)", "164.312(e)(1)")
    + pci("1.2.1", "1.3.4", "7.1.1"),
)
