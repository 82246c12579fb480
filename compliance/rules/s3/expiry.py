"""A lifecycle rule keeps objects and old versions long enough to notice a loss."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.notifications import notifications_of, prefix_of
from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import require_list, require_mapping, require_number, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from
from compliance.rules.s3.required import days_locked, default_retention

_SHORTEST: Final = 30
"""Days that an object stays in a protected environment: what waits for a region to come back, or for somebody to look."""
_SHORTEST_OLD: Final = 7
"""Days that a version stays which was overwritten or deleted: a mistake made before a holiday can still be undone."""
_SHORTEST_ELSEWHERE: Final = 7
_SHORTEST_OLD_ELSEWHERE: Final = 1
"""In an environment that is created and deleted, data must outlast a test."""
_ARCHIVES: Final = ("GLACIER", "DEEP_ARCHIVE")
_NARROWING: Final = ("TagFilter", "TagFilters")
"""Filters that choose among objects. One by size, as more than one byte, may mean all of them."""


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    configuration = require_mapping(bucket.properties.get("LifecycleConfiguration"), "LifecycleConfiguration")
    for index, part in enumerate(require_list(configuration.get("Rules"), "LifecycleConfiguration.Rules")):
        rule = require_mapping(part, f"Rules[{index}]")
        place = f"lifecycle rule {require_text(rule.get('Id'), 'Id') or index}"
        if rule.get("Status") != "Disabled" and _reaches_what_matters(rule, bucket):
            yield from _of_rule(
                place, rule, days_locked(default_retention(bucket.properties)), is_protected=world.is_protected
            )
            if any(True for _ in notifications_of(bucket)):
                yield from _of_archives(place, rule)


def _of_rule(place: str, rule: Mapping[str, Json], locked: float, *, is_protected: bool) -> Iterator[str]:
    least = max(locked, _SHORTEST if is_protected else _SHORTEST_ELSEWHERE)
    least_old = _SHORTEST_OLD if is_protected else _SHORTEST_OLD_ELSEWHERE
    if not is_absent(rule.get("ExpirationDate")):
        yield f"{place} deletes every object on a day (ExpirationDate); say after how many days of its life instead"
    days = require_number(rule.get("ExpirationInDays"), "ExpirationInDays")
    if days is not None and days < least:
        yield f"{place} deletes objects after {days:g} days; they must stay for {least:g} or more"
    old = _days_of_old_versions(rule)
    if old is not None and old < least_old:
        yield f"{place} deletes overwritten and deleted versions after {old:g} days; keep them for {least_old} or more"


def _of_archives(place: str, rule: Mapping[str, Json]) -> Iterator[str]:
    """Yield a violation for a transition to a class that S3 restores from only after hours."""
    listed = [*require_list(rule.get("Transitions"), "Transitions"), rule.get("Transition")]
    for index, part in enumerate(listed):
        to = require_text(require_mapping(part, f"Transitions[{index}]").get("StorageClass"), "StorageClass")
        if to in _ARCHIVES:
            yield f"{place} moves objects that are to be processed to {to}, which needs a restore before it can be read"


def _days_of_old_versions(rule: Mapping[str, Json]) -> float | None:
    expiration = require_mapping(rule.get("NoncurrentVersionExpiration"), "NoncurrentVersionExpiration")
    found = require_number(expiration.get("NoncurrentDays"), "NoncurrentDays")
    older = require_number(rule.get("NoncurrentVersionExpirationInDays"), "NoncurrentVersionExpirationInDays")
    return older if found is None else found


def _reaches_what_matters(rule: Mapping[str, Json], bucket: Resource) -> bool:
    """Return whether the rule is about all objects, or about some that the bucket notifies of."""
    if any(not is_absent(rule.get(name)) for name in _NARROWING):
        return False
    chosen = require_mapping(rule.get("Filter"), "Filter")
    together = require_mapping(chosen.get("And"), "Filter.And")
    if any(name in part for part in (chosen, together) for name in _NARROWING):
        return False
    given = together.get("Prefix", chosen.get("Prefix", rule.get("Prefix")))
    prefix = require_text(given, "the lifecycle rule's Prefix") or ""
    notified = (prefix_of(one) for one in notifications_of(bucket))
    return not prefix or any(each.startswith(prefix) or prefix.startswith(each) for each in notified)


RULE = Rule(
    title="A bucket keeps its objects, in a protected environment for 30 days or more, and their old versions for 7",
    why=(
        "A lifecycle rule deletes objects, and replication may copy the deletion. A file that waits for a region's "
        "recovery, or was overwritten by mistake, must still exist when an operator looks for it."
    ),
    fix=(
        "Raise ExpirationInDays and NoncurrentVersionExpiration.NoncurrentDays, or give the rule a Filter with the prefix "
        "of objects that may expire sooner."
    ),
    judge=rule_from(
        _violations, BUCKET, applies=lambda bucket, _: not is_absent(bucket.properties.get("LifecycleConfiguration"))
    ),
    controls=nist("AU-11", "CP-9", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)") + pci("3.1", "10.7"),
)
