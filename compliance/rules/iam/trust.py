"""A role's trust policy names who may assume it."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.accounts import unknown_principals
from compliance.aws.permissions import EQUALITY, narrows
from compliance.cfn.policies import Condition, Principal, Statement, statements
from compliance.cfn.references import resource_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_ROLE: Final = "AWS::IAM::Role"


_ASSUMES: Final = re.compile(
    r"sts:(AssumeRole(With(SAML|WebIdentity))?|TagSession|SetSourceIdentity|SetContext)", re.IGNORECASE
)
"""Actions that a trust policy can allow."""
_REPOSITORY: Final = re.compile(r"repo:[^*?/:]+/[^*?/:]+:[^*?]")
_WHO: Final = re.compile(
    r"sts:(ExternalId|RoleSessionName|SourceIdentity)|aws:Principal(Arn|Tag/.+|Type)|aws:(userid|username|SourceIp)"
    r"|aws:Source(Arn|Vpce?)|saml:.+",
    re.IGNORECASE,
)
"""Keys that choose among the users of an account."""


def _violations(role: Resource, world: TemplateSet) -> Iterator[str]:
    document = role.properties.get("AssumeRolePolicyDocument")
    for statement in statements(document, role.template, "AssumeRolePolicyDocument"):
        if not statement.allows:
            continue
        odd = [action for action in statement.actions if not _ASSUMES.fullmatch(action)]
        if odd or statement.not_actions:
            yield f"{statement.name} allows {', '.join(odd) or 'all but some actions'}; name sts:AssumeRole or its like"
        foreign = unknown_principals(statement, world)
        if foreign:
            yield f"{statement.name} trusts account {', '.join(foreign)}, which is not the account of these templates"
        if not statement.principals and not statement.not_principals:
            yield f"{statement.name} names no Principal"
        if statement.not_principals:
            yield f"{statement.name} trusts everybody but those that it names"
        for principal in statement.principals:
            yield from _of_principal(principal, statement, role)
    yield from _of_services(role)


def _of_services(role: Resource) -> Iterator[str]:
    document = statements(role.properties.get("AssumeRolePolicyDocument"), role.template, "AssumeRolePolicyDocument")
    allowing = [statement for statement in document if statement.allows]
    services = {service for statement in allowing for service in statement.services()}
    people = [
        each.id for statement in allowing for each in statement.principals if each.kind == "AWS" and not each.is_everyone
    ]
    # One function runs as both: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
    others = services - {"edgelambda.amazonaws.com"}
    if len(others) > 1:
        yield f"it trusts {', '.join(sorted(others))}; give each service a role with the permissions that it needs"
    elif services and people:
        yield f"it trusts {', '.join(sorted(services))} beside {', '.join(people)}; give each a role of its own"


def _of_principal(principal: Principal, statement: Statement, role: Resource) -> Iterator[str]:
    if principal.is_everyone:
        yield f"{statement.name} trusts everybody in the world; name a service, a role or an identity provider"
    elif principal.kind == "Service" and "*" in principal.id:
        yield f"{statement.name} trusts every service; name the one that runs as the role"
    elif principal.kind == "Federated" and not any(_says_which(condition, principal) for condition in statement.conditions):
        yield (
            f"{statement.name} trusts every identity of {principal.id}; require its subject (of GitHub: the owner, the "
            "repository and the branch or environment), or the audience where the provider serves one application"
        )
    elif principal.kind == "AWS" and _is_whole_account(principal.id, role) and not any(map(_narrows, statement.conditions)):
        yield f"{statement.name} trusts all of account {principal.id}; name a role, or require MFA or an external id"


def _says_which(condition: Condition, principal: Principal) -> bool:
    """Return whether a condition chooses among the identities of a provider.

    A provider such as GitHub issues tokens with the same audience to everybody, so only the subject says who asks:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    key = condition.key.lower()
    if not EQUALITY.fullmatch(condition.operator):
        return False
    if "oidc-provider" in principal.id or "${" in principal.id:
        return key.endswith(":sub") and all(map(_is_one_subject, condition.values))
    return key.endswith((":sub", ":aud", ":app_id", ":iss")) and not any(map(_is_wild, condition.values))


def _is_one_subject(subject: str) -> bool:
    """Return whether a subject names one caller: of GitHub, no wildcard in the owner or the repository."""
    if subject.startswith("repo:"):
        return _REPOSITORY.match(subject) is not None
    return not _is_wild(subject[: max(len(subject) // 2, 1)])


def _is_wild(text: str) -> bool:
    return not text or "*" in text or "?" in text


def _narrows(condition: Condition) -> bool:
    """Return whether a condition narrows an account to some of its users: by MFA, by name, tag or external id."""
    if condition.operator == "Bool" and condition.key.lower() == "aws:multifactorauthpresent":
        return condition.values == ("true",)
    if condition.operator.startswith("Numeric"):
        return condition.operator.startswith("NumericLess") and condition.key.lower() == "aws:multifactorauthage"
    return narrows(condition, _WHO)


def _is_whole_account(text: str, role: Resource) -> bool:
    """Return whether an id is an account, as a number or by its root.

    Raises:
        UnresolvedError: It is a parameter, which may be anything.
    """
    if text.startswith("${") and text.endswith("}") and text.count("${") == 1 and not text.startswith("${AWS::"):
        name = text[2:-1].partition(".")[0]
        if resource_of(role.template, name) is None:
            raise UnresolvedError(f"the template does not say who {text} is")
        return False
    return text.endswith(":root") or text.isdigit() or text == "${AWS::AccountId}"


RULE = Rule(
    title="Each role trusts a named service, a named role, or a federated user under a condition",
    why=(
        "Every principal that a role trusts gets all the role's permissions. Trust in everyone, in a whole account or in "
        "every token of an identity provider includes unknown people."
    ),
    fix="Name the service or the role as the principal; for a federated one, require its audience and its subject.",
    judge=rule_from(_violations, _ROLE),
    controls=nist("AC-2", "AC-3", "AC-6", "IA-2")
    + hipaa("164.308(a)(3)(i)", "164.308(a)(4)(ii)(B)", "164.312(d)")
    + pci("7.1.2", "7.2.1", "8.1.1"),
)
