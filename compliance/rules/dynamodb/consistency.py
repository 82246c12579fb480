"""A table's consistency agrees with its TTL, indexes, replicas and witness."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, STRONG, replicas
from compliance.cfn.arns import text_of
from compliance.cfn.reading import require_bool, require_list, require_mapping, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_MEMBERS: Final = 3
"""A quorum is two of three: three replicas, or two and a witness, which votes and holds no data."""

_REGION_SETS: Final = (
    frozenset({"us-east-1", "us-east-2", "us-west-2"}),
    frozenset({"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"}),
    frozenset({"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"}),
)
"""The regions among which DynamoDB offers strong consistency; a table stays within one set."""


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    consistency = require_text(table.properties.get("MultiRegionConsistency"), "MultiRegionConsistency")
    regions = [replica.region for replica in replicas(table, world)]
    witnesses = [
        text_of(require_mapping(witness, "GlobalTableWitnesses").get("Region"), table.template, world)
        for witness in require_list(table.properties.get("GlobalTableWitnesses"), "GlobalTableWitnesses")
    ]
    if consistency in {None, "EVENTUAL"}:
        for witness in witnesses:
            yield f"a witness is in {witness}, and an eventually consistent table has none"
        return
    if consistency != STRONG:
        yield f"MultiRegionConsistency is {consistency!r}; it must be EVENTUAL or {STRONG}"
        return
    yield from _of_strong_table(table)
    yield from _of_quorum(regions, witnesses)


def _of_strong_table(table: Resource) -> Iterator[str]:
    time_to_live = require_mapping(table.properties.get("TimeToLiveSpecification"), "TimeToLiveSpecification")
    if require_bool(time_to_live.get("Enabled"), "TimeToLiveSpecification.Enabled"):
        yield "it has TTL, which DynamoDB refuses on a strongly consistent table"
    if require_list(table.properties.get("LocalSecondaryIndexes"), "LocalSecondaryIndexes"):
        yield "it has local secondary indexes, which DynamoDB refuses on a strongly consistent table"


def _of_quorum(regions: list[str], witnesses: list[str]) -> Iterator[str]:
    members = [*regions, *witnesses]
    if len(set(members)) != _MEMBERS or len(members) != _MEMBERS or len(witnesses) > 1:
        yield (
            f"strong consistency takes three replicas, or two and a witness in a third region; there are replicas in "
            f"{', '.join(regions)} and {'witnesses in ' + ', '.join(witnesses) if witnesses else 'no witness'}"
        )
    if not any(set(members) <= regions_together for regions_together in _REGION_SETS):
        yield f"DynamoDB offers no strong consistency among {', '.join(sorted(set(members)))}"


RULE = Rule(
    title="A global table's consistency agrees with its TTL, indexes, replicas and witness",
    why=(
        "DynamoDB refuses a wrong combination at deployment, after other stacks have changed. Or the table refuses writes "
        "when one region is down, because no majority is left."
    ),
    fix="For STRONG: no TTL, no LSI, three replicas or two and a witness, of one set of regions. Else no witness.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CP-7", "SC-36", "SI-7"),
)
