"""A replication rule covers every object that is processed, within 15 minutes."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.accounts import account_in, is_unknown_principal
from compliance.aws.replication_terms import BUCKET, CUSTOM, replicates, replications_of
from compliance.cfn.reading import require_list, require_mapping, require_number, require_text, value_at
from compliance.cfn.references import render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.candidates import Candidate, Pointer, edits
from compliance.engine.rule import Rule, rule_from

_SWITCHES: Final = (
    (("Status",), "objects are not replicated"),
    (("DeleteMarkerReplication", "Status"), "what is deleted here comes back when the other region takes over"),
    (
        ("SourceSelectionCriteria", "ReplicaModifications", "Status"),
        "changes to a replica's metadata stay where they are made",
    ),
    (("SourceSelectionCriteria", "SseKmsEncryptedObjects", "Status"), "S3 leaves out objects that are encrypted with a key"),
    (("Destination", "ReplicationTime", "Status"), "there is no bound on how late a copy may be"),
    (("Destination", "Metrics", "Status"), "nobody sees how late the copies are, and no alarm can"),
)
"""Settings that must be Enabled, with the consequence if one is not."""

_MINUTES: Final = 15
"""The only time that S3 Replication Time Control offers."""

_TIMES: Final = (("ReplicationTime", "Time", "Minutes"), ("Metrics", "EventThreshold", "Minutes"))

_ASLEEP: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects take minutes to days to be readable."""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for replication in replications_of(resource):
        if replication.terms is None:
            raise UnresolvedError(
                "its function knows the terms, and the template does not show them: give it a ReplicationConfiguration "
                "as a bucket has it, or see to it that the function's tests prove them"
            )
        for path, consequence in _SWITCHES:
            if require_text(value_at(replication.terms, path), ".".join(path)) != "Enabled":
                yield f"{replication.place}: {'.'.join(path)} is not Enabled, so {consequence}"
        yield from _of_time(replication.place, require_mapping(replication.terms.get("Destination"), "Destination"))
        yield from _of_filter(replication.place, replication.terms, resource)
        yield from _of_owner(replication.place, replication.terms, resource, world)


def _of_time(place: str, destination: Mapping[str, Json]) -> Iterator[str]:
    for path in _TIMES:
        minutes = require_number(value_at(destination, path), ".".join(path))
        if minutes != _MINUTES:
            yield f"{place}: Destination.{'.'.join(path)} is {minutes}; it must be {_MINUTES}"
    if require_text(destination.get("StorageClass"), "StorageClass") in _ASLEEP:
        yield f"{place}: copies are stored as {destination['StorageClass']}, which cannot be read when they are needed"


def _of_filter(place: str, terms: Mapping[str, Json], resource: Resource) -> Iterator[str]:
    """Yield a violation for a filter that excludes objects with a notification; without any, for every filter."""
    chosen = require_mapping(terms.get("Filter"), "Filter")
    together = require_mapping(chosen.get("And"), "Filter.And")
    if "TagFilter" in chosen or require_list(together.get("TagFilters"), "TagFilters"):
        yield f"{place}: only objects with a tag are replicated"
    prefix = require_text(together.get("Prefix", chosen.get("Prefix", terms.get("Prefix"))), "Filter.Prefix") or ""
    for announced in _announced(resource):
        if not announced.startswith(prefix):
            yield f"{place}: only what begins with {prefix!r} is replicated, and {announced!r} is what is worked on"


def _of_owner(place: str, terms: Mapping[str, Json], resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for copies that are given to another account."""
    given = require_mapping(terms.get("Destination"), "Destination").get("Account")
    account = None if is_absent(given) else account_in(render(given, resource.template))
    if account is not None and is_unknown_principal(account, world):
        yield f"{place}: copies go to account {account}, which is not the account of these templates"


def _announced(resource: Resource) -> list[str]:
    """Return the prefixes of the objects whose creation the bucket notifies of; the empty one for all objects."""
    notifications = require_mapping(resource.properties.get("NotificationConfiguration"), "NotificationConfiguration")
    prefixes = []
    for kind in ("QueueConfigurations", "LambdaConfigurations", "TopicConfigurations"):
        for configuration in require_list(notifications.get(kind), kind):
            key = value_at(require_mapping(configuration, kind), ("Filter", "S3Key", "Rules"))
            rules = [require_mapping(rule, "Rules") for rule in require_list(key, "Rules")]
            named = [rule.get("Value") for rule in rules if str(rule.get("Name")).lower() == "prefix"]
            prefixes += [require_text(value, "Value") or "" for value in named] or [""]
    return prefixes or [""]


def _repair(resource: Resource, _world: TemplateSet) -> Iterator[Candidate]:
    """Enable each switch, and set both times to 15 minutes."""
    rules = value_at(resource.properties, ("ReplicationConfiguration", "Rules"))
    wanted: dict[Pointer, Json] = {}
    for index in range(len(require_list(rules, "Rules"))):
        at = ("ReplicationConfiguration", "Rules", index)
        wanted |= {(*at, *path): "Enabled" for path, _ in _SWITCHES}
        wanted |= {(*at, "Destination", *path): _MINUTES for path in _TIMES}
    yield from edits(resource, wanted)


RULE = Rule(
    title="A bucket's replication covers all objects that are processed, with deletions and changes, within 15 minutes",
    why=(
        "A rule that is disabled, filtered or excludes encrypted objects loses what it does not copy. Without Replication "
        "Time Control and metrics, the data at risk is unknown."
    ),
    fix=(
        "Enable the rule, DeleteMarkerReplication, ReplicaModifications, SseKmsEncryptedObjects, ReplicationTime and "
        "Metrics (15 minutes each), with an empty prefix."
    ),
    repair=_repair,
    judge=rule_from(_violations, BUCKET, *CUSTOM, applies=replicates),
    controls=nist("CP-6(2)", "CP-9", "CP-10", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)"),
)
