"""A plan of AWS Backup keeps copies of a table."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from compliance.aws.dead_letters import is_same
from compliance.aws.replicas import GLOBAL_TABLE
from compliance.aws.tags import tag_sets
from compliance.cfn.arns import ACCOUNT, arns_of, find
from compliance.cfn.reading import branches, require_list, require_mapping, require_text
from compliance.cfn.references import condition_of, of_type, render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_TABLES: Final = (GLOBAL_TABLE, "AWS::DynamoDB::Table")
_SELECTION: Final = "AWS::Backup::BackupSelection"
_TAG: Final = "aws:ResourceTag/"


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    always = (each for each in of_type(world, _SELECTION) if condition_of(each) is None)
    if not any(_selects(each, table, world) for each in always):
        yield f"no {_SELECTION} of the templates selects it, by ARN or by tag, so AWS Backup keeps no copy of it"


def _selects(selection: Resource, table: Resource, world: TemplateSet) -> bool:
    """Return whether every version of a selection selects the table.

    A resource is selected by an ARN of Resources and by all Conditions, or by an entry of ListOfTags:
    https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources-json.html
    """
    for properties in branches(selection.properties):
        settings = require_mapping(properties.get("BackupSelection"), "BackupSelection")
        listed = require_list(settings.get("Resources"), "Resources")
        conditions = require_mapping(settings.get("Conditions"), "Conditions")
        by_arn = any(_names(each, selection, table, world) for each in listed) or (not listed and bool(conditions))
        by_tag = any(_has_tag(each, table) for each in require_list(settings.get("ListOfTags"), "ListOfTags"))
        excluded = require_list(settings.get("NotResources"), "NotResources")
        if not (by_tag or (by_arn and _meets(conditions, table))):
            return False
        if any(_names(each, selection, table, world) for each in excluded):
            return False
    return True


def _names(value: Json, selection: Resource, table: Resource, world: TemplateSet) -> bool:
    text = render(value, selection.template)
    if "*" in text:
        pattern = text.replace(ACCOUNT, "000000000000")
        # A table without a name of its own can be matched only by a pattern for every table.
        arns = list(arns_of(table)) or [f"arn:aws:dynamodb:{table.template.region}:{ACCOUNT}:table/{table.logical_id}"]
        return any(fnmatchcase(arn.replace(ACCOUNT, "000000000000"), pattern) for arn in arns)
    target = find(value, selection.template, world, *_TABLES)
    return target is not None and is_same(target, table)


def _tags(table: Resource) -> list[dict[Json, Json]]:
    """Return the tags of the table, or of each replica; a plan may keep copies of one replica."""
    return [dict(tags.pairs) for tags in tag_sets(table)]


def _has_tag(condition: Json, table: Resource) -> bool:
    entry = require_mapping(condition, "an entry of ListOfTags")
    return any(tags.get(entry.get("ConditionKey")) == entry.get("ConditionValue") for tags in _tags(table))


def _meets(conditions: Mapping[str, Json], table: Resource) -> bool:
    return any(
        all(
            _holds(operator, each, tags)
            for operator, listed in conditions.items()
            for each in require_list(listed, operator)
        )
        for tags in _tags(table)
    )


def _holds(operator: str, condition: Json, tags: Mapping[Json, Json]) -> bool:
    entry = require_mapping(condition, f"an entry of {operator}")
    key = (require_text(entry.get("ConditionKey"), "ConditionKey") or "").removeprefix(_TAG)
    wanted, found = require_text(entry.get("ConditionValue"), "ConditionValue") or "", tags.get(key)
    is_like = operator in {"StringLike", "StringNotLike"}
    equal = isinstance(found, str) and (fnmatchcase(found, wanted) if is_like else found == wanted)
    return equal is not operator.startswith("StringNot")


RULE = Rule(
    title="A plan of AWS Backup keeps copies of a table",
    why=(
        "Point-in-time recovery ends 35 days back, and its backups belong to the table. Copies in a backup vault outlast "
        "the table, and a lock on the vault holds against an administrator."
    ),
    fix=(
        "Declare an AWS::Backup::BackupPlan and an AWS::Backup::BackupSelection that names the table, or a tag of it; or "
        "enter a decision in compliance/acknowledgements.toml that says what keeps older copies."
    ),
    judge=rule_from(_violations, *_TABLES),
    controls=nist("CP-9", "CP-10", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)") + pci("10.5.3"),
)
