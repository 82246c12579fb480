"""Incomplete multipart uploads are removed."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import require_list, require_mapping, require_number, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_MAXIMUM_DAYS: Final = 30
"""An upload that was not completed in a month will not be."""

_SETTING: Final = "AbortIncompleteMultipartUpload"


def _violations(bucket: Resource, _world: TemplateSet) -> Iterator[str]:
    lifecycle = require_mapping(bucket.properties.get("LifecycleConfiguration"), "LifecycleConfiguration")
    rules = [require_mapping(rule, "Rules") for rule in require_list(lifecycle.get("Rules"), "LifecycleConfiguration.Rules")]
    aborting = [rule for rule in rules if _SETTING in rule and require_text(rule.get("Status"), "Status") == "Enabled"]
    everywhere = [days for rule in aborting if not _prefix(rule) and (days := _days(rule)) is not None]
    if not everywhere:
        yield f"no enabled lifecycle rule for the whole bucket has {_SETTING}"
    elif min(everywhere) > _MAXIMUM_DAYS:
        yield f"{_SETTING}.DaysAfterInitiation is {min(everywhere):g}; it must be {_MAXIMUM_DAYS} or less"


def _days(rule: Mapping[str, Json]) -> float | None:
    return require_number(require_mapping(rule.get(_SETTING), _SETTING).get("DaysAfterInitiation"), "DaysAfterInitiation")


def _prefix(rule: Mapping[str, Json]) -> str:
    return require_text(rule.get("Prefix"), "Prefix") or ""


RULE = Rule(
    title="A bucket removes incomplete multipart uploads within 30 days",
    why="Their parts are stored and billed beyond every retention period, and no listing of objects shows them.",
    fix="Add an enabled lifecycle rule without a prefix, with AbortIncompleteMultipartUpload.DaysAfterInitiation 7.",
    judge=rule_from(_violations, BUCKET),
    controls=nist("SI-12", "SC-5"),
)
