"""A secret's resource policy denies requests without TLS and cannot be public."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.resource_policies import denies_plain_http
from compliance.aws.secrets import SECRET
from compliance.cfn.arns import find
from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import branches, require_bool
from compliance.cfn.references import is_there_with, named, of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_POLICY: Final = "AWS::SecretsManager::ResourcePolicy"
_EVERY_ACTION: Final = "secretsmanager:*"


def _violations(secret: Resource, world: TemplateSet) -> Iterator[str]:
    found = [policy for policy in of_type(world, _POLICY, region=secret.template.region) if _is_of(policy, secret, world)]
    if not any(is_there_with(policy, secret) for policy in found):
        yield f"no {_POLICY} is always on it; deny {_EVERY_ACTION} without TLS"
    for policy in found:
        for properties in branches(policy.properties):
            if not require_bool(properties.get("BlockPublicPolicy"), "BlockPublicPolicy"):
                yield f"BlockPublicPolicy of {policy.path} is not true, so a policy that admits everybody would be taken"
            version = statements(properties.get("ResourcePolicy"), policy.template, "ResourcePolicy")
            if not any(_denies(statement) for statement in version):
                yield (
                    f"{policy.path} does not deny {_EVERY_ACTION} to everyone where aws:SecureTransport is false and on no "
                    "other condition"
                )


def _is_of(policy: Resource, secret: Resource, world: TemplateSet) -> bool:
    answers = set()
    for value in branches(policy.properties.get("SecretId")):
        target = named(value, policy.template, world) or find(value, policy.template, world, SECRET)
        if target is None and not isinstance(value, str):
            raise UnresolvedError(f"the template does not say whose policy {policy.path} is")
        answers.add(target is not None and is_same(target, secret))
    return True in answers


def _denies(statement: Statement) -> bool:
    # Whatever a secret's policy names as Resource, it can only ever speak of the secret; but only `*` surely means it.
    return denies_plain_http(statement, _EVERY_ACTION) and "*" in statement.resources


RULE = Rule(
    title="A secret has a resource policy that denies everyone every action without TLS, and can never be public",
    why=(
        "No reader's own policy can override a denial in the resource policy. A statement that is dropped from it goes "
        "unnoticed, because everything keeps working."
    ),
    fix=(
        "Add an AWS::SecretsManager::ResourcePolicy with Effect Deny, Principal *, Action secretsmanager:*, Resource * and "
        'the one condition Bool {"aws:SecureTransport": "false"}, and BlockPublicPolicy true.'
    ),
    judge=rule_from(_violations, SECRET),
    controls=nist("AC-3", "SC-8", "SC-8(1)") + hipaa("164.312(a)(1)", "164.312(e)(1)") + pci("2.3", "4.1"),
)
