"""A key that is named by its alias exists."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.cfn.caching import cached
from compliance.cfn.reading import branches
from compliance.cfn.references import is_known, of_type, render, values_in
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_ALIAS: Final = "AWS::KMS::Alias"
_NAMED: Final = re.compile(r"(arn:[^:]+:kms:(?P<region>[^:]*):[^:]*:)?(?P<name>alias/(?!aws/)[A-Za-z0-9/_-]+)")


def _names_a_key(resource: Resource, world: TemplateSet) -> bool:
    return resource.type != _ALIAS and any(True for _ in _named(resource, world))


def _named(resource: Resource, world: TemplateSet) -> Iterator[tuple[str, str]]:
    """Yield the region and the alias of each text that names a key of a region whose aliases the templates declare."""
    for value in values_in(resource.properties):
        text = _text(value, resource)
        found = _NAMED.fullmatch(text)
        if found:
            region = found["region"] or resource.template.region
            if region in _aliases(world):
                yield region, found["name"]


def _text(value: Json, resource: Resource) -> str:
    if not isinstance(value, str | dict):
        return ""
    try:
        return render(value, resource.template)
    except UnresolvedError:
        return ""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for region, name in dict.fromkeys(_named(resource, world)):
        if name not in _aliases(world)[region]:
            yield f"it names {name} in {region}, and no template declares that alias there"


@cached
def _aliases(world: TemplateSet) -> dict[str, frozenset[str]]:
    """Return the aliases that templates declare, by region; not of a region where one cannot be read."""
    found: dict[str, set[str]] = {}
    for alias in of_type(world, _ALIAS):
        names = [render(name, alias.template) for name in branches(alias.properties.get("AliasName")) if name is not None]
        found.setdefault(alias.template.region, set()).update(names or ["${"])
    return {region: frozenset(names) for region, names in found.items() if region and all(map(is_known, names))}


RULE = Rule(
    title="An alias that names a key is declared in that key's region",
    why=(
        "CloudFormation does not check aliases. Replication with a missing key fails object by object, and a permission for "
        "it allows nothing: the deployment succeeds, and no copy arrives."
    ),
    fix="Name the alias that the template of that region declares.",
    judge=rule_from(_violations, "*", applies=_names_a_key),
    controls=nist("CP-9", "CP-10", "SC-12", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.308(a)(7)(ii)(A)"),
)
