"""The managed and inline policies of roles, users and groups."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent

_POLICIES: Final = (
    "AWS::IAM::GroupPolicy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
)
_MAY_BE_EMPTY: Final = ("AWS::IAM::GroupPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy")
_IDENTITIES: Final = ("AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User")
TYPES: Final = (*_POLICIES, *_IDENTITIES)
"""The types whose statements say what somebody may do."""


def has_policies(resource: Resource, _world: TemplateSet) -> bool:
    """Return whether one version of a resource says what somebody may do."""
    return any(True for _ in _documents(resource)) or any(True for _ in attached(resource))


def allowed(resource: Resource) -> Iterator[Statement]:
    """Return the statements of one version of a resource that grant something.

    Raises:
        UnresolvedError: A policy cannot be read whole.
    """
    return (statement for statement in every_statement(resource) if statement.allows)


def every_statement(resource: Resource) -> Iterator[Statement]:
    """Yield the statements of one version of a resource, those that deny too.

    Raises:
        UnresolvedError: A policy cannot be read whole.
    """
    for place, document in _documents(resource):
        yield from statements(document, resource.template, place)


def _documents(resource: Resource) -> Iterator[tuple[str, Json]]:
    if resource.type in _POLICIES:
        document = resource.properties.get("PolicyDocument")
        if not is_absent(document) or resource.type not in _MAY_BE_EMPTY:
            yield "PolicyDocument", document
        return
    for index, part in enumerate(require_list(resource.properties.get("Policies"), "Policies")):
        yield f"Policies[{index}]", require_mapping(part, f"Policies[{index}]").get("PolicyDocument")


def attached(resource: Resource) -> Iterator[Json]:
    """Yield the managed policies that an identity is given by ARN."""
    if resource.type in _IDENTITIES:
        yield from require_list(resource.properties.get("ManagedPolicyArns"), "ManagedPolicyArns")
