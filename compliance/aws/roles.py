"""Roles, and the statements of every policy of a role."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from compliance.aws.dead_letters import Key, key_of
from compliance.cfn.caching import cached
from compliance.cfn.policies import Statement, policies
from compliance.cfn.reading import branches, one_or_more, require_list, require_mapping
from compliance.cfn.references import follow, named, of_type, render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe

ROLE: Final = "AWS::IAM::Role"
_ATTACHED: Final = {
    "AWS::IAM::Policy": "Roles",
    "AWS::IAM::ManagedPolicy": "Roles",
    "AWS::IAM::RolePolicy": "RoleName",
}
"""The types of policies that name their roles, and the property that does."""

_MAY_DO_ALL: Final = ("AdministratorAccess", "PowerUserAccess", "AmazonSQSFullAccess")
"""AWS's managed policies by which a role may send to every queue."""


class Granted(NamedTuple):
    """A statement, and the template whose names its texts use."""

    statement: Statement
    template: Template


def granted_to(function: Resource, world: TemplateSet) -> Iterator[Granted]:
    """Yield the statements of the function's role in every branch of every condition.

    Raises:
        UnresolvedError: No template of the world holds the role, or a policy cannot be read.
    """
    value = function.properties.get("Role")
    role = None if value is None else role_of(value, function.template, world)
    if role is None:
        raise UnresolvedError(f"no template here holds the function's role, {describe(value)}")
    yield from granted_by(role, world)


def role_of(value: Json, template: Template, world: TemplateSet) -> Resource | None:
    """Return the role that a reference or an ARN means; None if the templates have none."""
    role = named(value, template, world)
    if role is None:
        followed, where = follow(value, template, world)
        name = render(followed, where).rpartition("/")[2]
        role = _by_name(world).get((where.name, name))
    return role if role is not None and role.type == ROLE and isinstance(role.properties, Mapping) else None


def granted_by(role: Resource, world: TemplateSet) -> Iterator[Granted]:
    """Yield the statements of a role in every branch of every condition.

    Raises:
        UnresolvedError: A policy cannot be read.
    """
    for properties in branches(role.properties):
        for index, policy in enumerate(require_list(properties.get("Policies"), "Policies")):
            yield from _of_document(require_mapping(policy, f"Policies[{index}]").get("PolicyDocument"), role.template)
        for arn in require_list(properties.get("ManagedPolicyArns"), "ManagedPolicyArns"):
            if isinstance(arn, str) and arn.rpartition("/")[2] in _MAY_DO_ALL:
                everything = Statement(name=arn, effect="Allow", actions=("*",), resources=("*",))
                yield Granted(everything, role.template)
            policy = named(arn, role.template, world)
            if policy is not None and policy.type == "AWS::IAM::ManagedPolicy":
                yield from _of_document(policy.properties.get("PolicyDocument"), policy.template)
    for policy, properties in _attached(world).get(key_of(role), ()):
        yield from _of_document(properties.get("PolicyDocument"), policy.template)


def policies_attached_to(role: Resource, world: TemplateSet) -> Iterator[Resource]:
    """Yield the policies that are resources of their own and name the role, in each version."""
    yield from (policy for policy, _ in _attached(world).get(key_of(role), ()))


@cached
def _attached(world: TemplateSet) -> Mapping[Key, list[tuple[Resource, Mapping[str, Json]]]]:
    """Return, by role, the policies that name it, each with one version of its properties.

    Raises:
        UnresolvedError: A policy does not say which roles it is for, so it may be for any.
    """
    by_name = _by_name(world)
    found: dict[Key, list[tuple[Resource, Mapping[str, Json]]]] = {}
    for policy in of_type(world, *_ATTACHED):
        for properties in branches(policy.properties):
            for each in one_or_more(properties.get(_ATTACHED[policy.type]), _ATTACHED[policy.type]):
                role = named(each, policy.template, world) or by_name.get((policy.template.name, str(each)))
                if role is not None:
                    found.setdefault(key_of(role), []).append((policy, properties))
    return found


@cached
def _by_name(world: TemplateSet) -> Mapping[tuple[str, str], Resource]:
    """Return the roles by template and name."""
    return {
        (role.template.name, str(role.properties["RoleName"])): role
        for role in of_type(world, ROLE)
        if isinstance(role.properties.get("RoleName"), str)
    }


def _of_document(document: object, template: Template) -> Iterator[Granted]:
    for version in policies(document, template):
        yield from (Granted(statement, template) for statement in version)
