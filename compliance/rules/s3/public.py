"""No bucket can be made public."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import a_flag, a_list, a_map, a_text
from compliance.cfn.templates import Resource, World
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by

_FLAGS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENFORCED: Final = "BucketOwnerEnforced"


def _complaints(bucket: Resource, _world: World) -> Iterator[str]:
    block = a_map(bucket.properties.get("PublicAccessBlockConfiguration"), "PublicAccessBlockConfiguration")
    off = [flag for flag in _FLAGS if not a_flag(block.get(flag), flag)]
    if off:
        yield f"PublicAccessBlockConfiguration does not set {', '.join(off)} to true"
    controls = a_map(bucket.properties.get("OwnershipControls"), "OwnershipControls")
    for rule in a_list(controls.get("Rules"), "OwnershipControls.Rules"):
        ownership = a_text(a_map(rule, "OwnershipControls.Rules").get("ObjectOwnership"), "ObjectOwnership")
        if ownership != _ENFORCED:
            yield f"ObjectOwnership is {ownership}, so ACLs count; it must be {_ENFORCED}"


RULE = Rule(
    title="A bucket blocks public access in all four ways and knows no ACLs",
    why="A copy in the second region that can be made public undoes whatever protects the first.",
    fix="Set all four flags of PublicAccessBlockConfiguration to true and ObjectOwnership to BucketOwnerEnforced.",
    judge=judge_by(_complaints, BUCKET),
    controls=nist("AC-3", "AC-4", "AC-6", "SC-7(3)") + hipaa("164.312(a)(1)") + pci("1.2", "1.3", "2.2"),
)
