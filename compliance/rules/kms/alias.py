"""A key has the same alias in each region."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.arns import regions_of
from compliance.cfn.reading import branches
from compliance.cfn.references import is_known, named, of_type, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_KEY: Final = "AWS::KMS::Key"
_ALIAS: Final = "AWS::KMS::Alias"


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == _KEY:
        if not any(_is_of(alias, resource, world) for alias in of_type(world, _ALIAS, region=resource.template.region)):
            yield "no AWS::KMS::Alias names this key, so the other region cannot know it"
        return
    name = _name(resource)
    elsewhere = regions_of(world) - {resource.template.region} if resource.template.region else frozenset()
    missing = [region for region in sorted(elsewhere) if not _exists(name, region, world)]
    if missing:
        yield f"alias {name} is in {resource.template.region} and not in {', '.join(missing)}"


def _is_of(alias: Resource, key: Resource, world: TemplateSet) -> bool:
    for properties in branches(alias.properties):
        target = named(properties.get("TargetKeyId"), alias.template, world)
        if target is not None and target.template is key.template and target.logical_id == key.logical_id:
            return True
    return False


def _name(alias: Resource) -> str:
    name = alias.properties.get("AliasName")
    text = "" if is_absent(name) else render(name, alias.template)
    if not text or not is_known(text):
        raise UnresolvedError(f"the template does not say what AliasName {text} will be")
    return text


def _exists(name: str, region: str, world: TemplateSet) -> bool:
    return any(
        value is not None and render(value, alias.template) == name
        for alias in of_type(world, _ALIAS, region=region)
        for value in branches(alias.properties.get("AliasName"))
    )


RULE = Rule(
    title="Each key has an alias, and the same alias is in each region",
    why=(
        "KMS generates a key's id, so one region can name the other's key only by its alias. Replication of the bucket, the "
        "table and the secret does so, and fails where the alias is missing."
    ),
    fix="Create the keys and aliases of both regions by one stack that is deployed to each.",
    judge=rule_from(_violations, _KEY, _ALIAS),
    controls=nist("CP-9", "CP-10", "SC-12") + hipaa("164.308(a)(7)(i)", "164.312(a)(2)(iv)"),
)
