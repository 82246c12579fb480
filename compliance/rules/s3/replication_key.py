"""A copy is encrypted with a key of the destination's region."""

from collections.abc import Iterator

from compliance.aws.keys import key_violations
from compliance.aws.replication_terms import BUCKET, CUSTOM, replicates, replications_of
from compliance.cfn.arns import region_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    for replication in replications_of(resource):
        copies_in = region_of(replication.destination, resource.template, world)
        if isinstance(replication.key, str) and not replication.key.startswith("arn:"):
            yield f"{replication.place} names the key {replication.key!r}; across regions it must be an ARN"
            continue
        yield from key_violations(f"the copies' key of {replication.place}", replication.key, copies_in, resource, world)


RULE = Rule(
    title="Replicated objects are encrypted with a customer managed key of the destination's region",
    why="A copy under the first region's key cannot be read when that region is down, and the copy exists for that case.",
    fix="Set ReplicaKmsKeyID to a key, or the ARN of an alias, in the destination bucket's region.",
    judge=rule_from(_violations, BUCKET, *CUSTOM, applies=replicates),
    controls=nist("CP-9(8)", "SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4"),
)
