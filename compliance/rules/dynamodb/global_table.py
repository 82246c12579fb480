"""A table is a global table with a replica in every region."""

from collections import Counter
from collections.abc import Iterator

from compliance.aws.replicas import GLOBAL_TABLE, is_strong, replicas
from compliance.cfn.arns import regions_of
from compliance.cfn.reading import require_mapping
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    if table.type != GLOBAL_TABLE:
        yield f"an AWS::DynamoDB::Table is in one region only; make it an {GLOBAL_TABLE} with a replica in each region"
        return
    regions = Counter(replica.region for replica in replicas(table, world))
    if len(regions) == 1:
        yield f"its only replica is in {next(iter(regions))}; there must be two or more, in different regions"
    for region, times in regions.items():
        if times > 1:
            yield f"{times} replicas are in {region}; there can be one"
    for region in sorted(regions_of(world) - regions.keys()):
        yield f"no replica is in {region}, which is a region of the system"
    # A strongly consistent table takes a third region for its quorum.
    if len(regions_of(world)) > 1 and not is_strong(table):
        for region in sorted(regions.keys() - regions_of(world)):
            yield f"a replica is in {region}, where the system has nothing else: no alarm there watches the rows"
    stream = require_mapping(table.properties.get("StreamSpecification"), "StreamSpecification").get("StreamViewType")
    # A strongly consistent table replicates without a stream.
    if not is_strong(table) and stream != "NEW_AND_OLD_IMAGES":
        yield f"StreamSpecification.StreamViewType is {stream!r}; replication needs NEW_AND_OLD_IMAGES"


RULE = Rule(
    title="A table is a global table with a replica in every region of the system",
    why="Rows of a table in one region are lost with that region, and no other region can process them.",
    fix="Declare an AWS::DynamoDB::GlobalTable (TableV2 in the CDK), a replica for each region, stream NEW_AND_OLD_IMAGES.",
    judge=rule_from(_violations, "AWS::DynamoDB::Table", GLOBAL_TABLE),
    controls=nist("CP-6", "CP-7", "CP-9", "CP-10") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)"),
)
