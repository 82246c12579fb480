"""What a function may do: the statements of every policy of its role."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from compliance.policies import Statement, policies
from compliance.reading import a_list, a_map, branches, one_or_more
from compliance.references import named, of_type
from compliance.templates import Resource, Template, World
from compliance.values import UnresolvedError, describe

_ROLE: Final = "AWS::IAM::Role"
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


def granted_to(function: Resource, world: World) -> Iterator[Granted]:
    """The statements of the function's role in every branch of every condition.

    Raises:
        UnresolvedError: No template of the world holds the role, or a policy cannot be read.
    """
    value = function.properties.get("Role")
    role = None if value is None else named(value, function.template, world)
    if role is None or role.type != _ROLE or not isinstance(role.properties, Mapping):
        raise UnresolvedError(f"no template here holds the function's role, {describe(value)}")
    for properties in branches(role.properties):
        for index, policy in enumerate(a_list(properties.get("Policies"), "Policies")):
            yield from _of_document(a_map(policy, f"Policies[{index}]").get("PolicyDocument"), role.template)
        for arn in a_list(properties.get("ManagedPolicyArns"), "ManagedPolicyArns"):
            if isinstance(arn, str) and arn.rpartition("/")[2] in _MAY_DO_ALL:
                everything = Statement(name=arn, effect="Allow", actions=("*",), resources=("*",))
                yield Granted(everything, role.template)
            policy = named(arn, role.template, world)
            if policy is not None and policy.type == "AWS::IAM::ManagedPolicy":
                yield from _of_document(policy.properties.get("PolicyDocument"), policy.template)
    for policy in of_type(world, *_ATTACHED):
        for properties in branches(policy.properties):
            roles = one_or_more(properties.get(_ATTACHED[policy.type]), _ATTACHED[policy.type])
            if any(_is_role(each, policy, role, world) for each in roles):
                yield from _of_document(properties.get("PolicyDocument"), policy.template)


def _is_role(value: object, policy: Resource, role: Resource, world: World) -> bool:
    target = named(value, policy.template, world)
    if target is None:
        return policy.template is role.template and value is not None and value == role.properties.get("RoleName")
    return (target.template.name, target.logical_id) == (role.template.name, role.logical_id)


def _of_document(document: object, template: Template) -> Iterator[Granted]:
    for version in policies(document, template):
        yield from (Granted(statement, template) for statement in version)
