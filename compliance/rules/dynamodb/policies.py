"""The replicas of a table have the same resource-based policy, each for its own region."""

import json
import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.arns import names_of, text_of
from compliance.cfn.policies import Statement, statements
from compliance.cfn.reading import branches, require_mapping
from compliance.cfn.references import of_type
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.candidates import Candidate, Pointer, at_or_none, edit
from compliance.engine.rule import Rule, rule_from

_CUSTOM: Final = "Custom::TablePolicy"
"""Sets the policy of the replica that the table's own stack cannot, by `TableArn` and `Policy`."""
_REGION: Final = 3
"""Field of an ARN."""
_EXEMPT: Final = "aws:principalarn"
"""Key of a condition that may name another role in each region."""

_Documents = dict[str, list[tuple[Json, Template]]]


def _documents(table: Resource, world: TemplateSet) -> _Documents:
    """Return the policy of each replica by region; none where a replica has none."""
    found: _Documents = {}
    for replica in replicas(table, world):
        policy = require_mapping(replica.settings.get("ResourcePolicy"), f"ResourcePolicy of {replica.place}")
        document = policy.get("PolicyDocument")
        found[replica.region] = [] if is_absent(document) else [(document, table.template)]
    names = set(names_of(table))
    for custom in of_type(world, _CUSTOM):
        for properties in branches(custom.properties):
            arn = text_of(properties.get("TableArn"), custom.template, world).split(":")
            if arn[-1].removeprefix("table/") in names and not is_absent(properties.get("Policy")):
                found.setdefault(arn[_REGION], []).append((properties.get("Policy"), custom.template))
    return found


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    documents = _documents(table, world)
    alike: dict[str, set[str]] = {}
    for region, found in documents.items():
        if not found:
            yield f"the replica in {region} has no resource-based policy, and another one has; give both the same"
        for document, template in found:
            others = [other for other in documents if other != region]
            found_here = statements(document, template, "PolicyDocument")
            alike[region] = {_shape(each, region, others) for each in found_here}
            for each in (condition for statement in found_here if statement.denies for condition in statement.conditions):
                is_exact = "not" in each.operator.lower() and not any(re.search(r"[*?]", value) for value in each.values)
                if each.key.lower() == _EXEMPT and not is_exact:
                    yield f"the policy in {region} denies by {each.operator} {', '.join(each.values)}; exempt roles by name"
    every = set().union(*alike.values())
    for region, shapes in alike.items():
        for missing in sorted(every - shapes):
            yield f"the policy of the replica in {region} lacks what another one has: {missing}"


def _shape(statement: Statement, region: str, others: list[str]) -> str:
    """Return what a statement says, with the replica's own region and the other one in place of their names."""
    conditions = sorted(
        f"{condition.operator} {condition.key} {', '.join(sorted(condition.values))}"
        for condition in statement.conditions
        if condition.key.lower() != _EXEMPT
    )
    actions = ", ".join(sorted(statement.actions)) or f"not {', '.join(sorted(statement.not_actions))}"
    text = (
        f"{statement.effect} {' '.join(sorted(each.id for each in statement.principals))} {actions} on "
        f"{', '.join(sorted(statement.resources))} if {' and '.join(conditions) or 'asked'}"
    )
    text = text.replace(region, "its own region")
    for other in others:
        text = text.replace(other, "another region")
    return text


def _repair(table: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """Give a replica's policy the other's statements, the longer policy's first; whom they exempt stays."""
    held: list[tuple[str, Resource, Pointer]] = [
        (replica.region, table, ("Replicas", index, "ResourcePolicy", "PolicyDocument", "Statement"))
        for index, replica in enumerate(replicas(table, world))
    ]
    for custom in of_type(world, _CUSTOM):
        arn = text_of(custom.properties.get("TableArn"), custom.template, world)
        held.append((arn.split(":")[_REGION], custom, ("Policy", "Statement")))
    known = [(*each, found) for each in held if isinstance(found := at_or_none(each[1].properties, each[2]), list)]
    for source, _, _, wanted in sorted(known, key=lambda each: -len(repr(each[3]))):
        for region, holder, path, old in known:
            if region != source:
                there = json.dumps(wanted).replace(source, "\0").replace(region, source).replace("\0", region)
                new = [_with_exempt(each, old[index : index + 1]) for index, each in enumerate(json.loads(there))]
                yield edit(holder, ("Properties", *path), new, f", as in {source}")._replace(of=holder)


def _with_exempt(statement: Json, old: list[Json]) -> Json:
    """Return a statement with the conditions on principals that the old one has."""
    conditions = {**(statement.get("Condition") or {}), **((old[0].get("Condition") or {}) if old else {})}
    kept = {name: keys for name, keys in conditions.items() if _EXEMPT in str(keys).lower()}
    return {**statement, "Condition": {**statement["Condition"], **kept}} if kept else statement


RULE = Rule(
    title="The replicas of a table have the same resource-based policy, each for its own region",
    why=(
        "Replication copies every row. What one replica refuses can be written to the other, and arrives all the same: a "
        "statement that one policy lacks is refused nowhere."
    ),
    fix=f"Give each replica a ResourcePolicy with the same statements, or set the second one by a {_CUSTOM}.",
    repair=_repair,
    judge=rule_from(_violations, GLOBAL_TABLE, applies=lambda table, world: any(_documents(table, world).values())),
    controls=nist("AC-3", "AC-4", "SC-36") + hipaa("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
)
