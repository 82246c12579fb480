"""Every role and user has the permissions boundary that the assembly declares, or that another one has."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.reading import require_text
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_BOUNDED: Final = ("AWS::IAM::Role", "AWS::IAM::User")


def _is_asked_for(_resource: Resource, world: TemplateSet) -> bool:
    return bool(_declared(world)) or any(each.properties.get("PermissionsBoundary") for each in of_type(world, *_BOUNDED))


def _declared(world: TemplateSet) -> set[str]:
    declared = (template.declared.get("PermissionsBoundary") for template in world.templates)
    return {str(each) for each in declared if each is not None}


def _given(world: TemplateSet) -> set[str]:
    """Return what the roles and users have as their boundary, in the words of the templates."""
    return {repr(each.properties.get("PermissionsBoundary")) for each in of_type(world, *_BOUNDED)}


def _violations(role: Resource, world: TemplateSet) -> Iterator[str]:
    if not any(template.declared for template in world.templates) and len(_given(world)) == 1:
        return  # a template of others declares nothing, and all its roles have the same, if on a condition
    boundary = require_text(role.properties.get("PermissionsBoundary"), "PermissionsBoundary")
    declared = _declared(world)
    if boundary is None:
        yield "PermissionsBoundary is not set, and the other roles or Metadata.Lockstep have one"
    elif {boundary} != declared:
        yield f"PermissionsBoundary is {boundary}; Metadata.Lockstep declares {' and '.join(sorted(declared)) or 'none'}"


RULE = Rule(
    title="Where one role has a permissions boundary, every role has the one that the templates declare",
    why=(
        "A boundary limits what a role can be given later. One role without it, of a custom resource for example, can be "
        "given everything, and an account that demands boundaries refuses the deployment halfway."
    ),
    fix="Set iam.permissions_boundary in environments.toml, which gives it to every role and declares it in the templates.",
    judge=rule_from(_violations, *_BOUNDED, applies=_is_asked_for),
    controls=nist("AC-3", "AC-6") + hipaa("164.308(a)(4)(ii)(B)", "164.312(a)(1)") + pci("7.1.2", "7.2.1"),
)
