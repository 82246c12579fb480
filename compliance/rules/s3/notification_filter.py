"""A bucket's notifications cover every key that callers may write."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.aws.identity_policies import TYPES, allowed
from compliance.aws.notifications import announces, key_rules_of, notifications_of, tells_event_bridge
from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.aws.resource_policies import is_arn_of
from compliance.cfn.caching import cached
from compliance.cfn.policies import Statement
from compliance.cfn.reading import branches
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_PUT: Final = "s3:PutObject"
_CREATED: Final = "s3:ObjectCreated"


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    notified = [key_rules_of(one) for one in notifications_of(bucket) if one.event.startswith(_CREATED)]
    if not notified or tells_event_bridge(bucket):
        return
    for rules in notified:
        if rules.get("suffix") and {**rules, "suffix": ""} not in notified:
            yield f"a notification covers only keys that end in {rules['suffix']!r}: other objects are never processed"
    prefixes = [rules.get("prefix", "") for rules in notified]
    for key in sorted(_puttable(bucket, world)):
        if not any(key.startswith(prefix) for prefix in prefixes):
            yield (
                f"objects may be put as {key + '*'!r}, and notifications are only of keys that begin with "
                f"{' or '.join(map(repr, sorted(prefixes)))}"
            )


def _puttable(bucket: Resource, world: TemplateSet) -> set[str]:
    """Return what the keys begin with of the objects that somebody may put in the bucket."""
    found = set()
    for statement, template in _putting(world):
        for pattern in statement.resources:
            arn, slash, key = pattern.partition("/")
            if slash and is_arn_of(arn, bucket, template):
                found.add(key.partition("*")[0].partition("?")[0])
    return found


@cached
def _putting(world: TemplateSet) -> list[tuple[Statement, Template]]:
    """Return every statement that lets an identity put objects, with its template."""
    found = []
    for identity in of_type(world, *TYPES):
        try:
            for properties in branches(identity.properties):
                grants = allowed(replace(identity, properties=properties))
                found += [(each, identity.template) for each in grants if each.covers_action(_PUT)]
        except UnresolvedError:
            continue  # ActivePassive-IAMAction says that it cannot be read.
    return found


RULE = Rule(
    title="A replicated bucket's notifications cover every key under which a caller may put an object",
    why="An object outside the filter is accepted and replicated, but processed in neither region.",
    fix="Widen the prefix of the notification's filter to what the policies allow to be put, and filter by no suffix.",
    judge=rule_from(_violations, BUCKET, applies=lambda bucket, world: announces(bucket) and is_replicated(bucket, world)),
    controls=nist("CP-10", "SI-4", "SC-36"),
)
