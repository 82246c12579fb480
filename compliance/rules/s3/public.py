"""No bucket can be made public."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import require_bool, require_list, require_mapping, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_FLAGS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENFORCED: Final = "BucketOwnerEnforced"


def _violations(bucket: Resource, _world: TemplateSet) -> Iterator[str]:
    block = require_mapping(bucket.properties.get("PublicAccessBlockConfiguration"), "PublicAccessBlockConfiguration")
    off = [flag for flag in _FLAGS if not require_bool(block.get(flag), flag)]
    if off:
        yield f"PublicAccessBlockConfiguration does not set {', '.join(off)} to true"
    controls = require_mapping(bucket.properties.get("OwnershipControls"), "OwnershipControls")
    for rule in require_list(controls.get("Rules"), "OwnershipControls.Rules"):
        ownership = require_text(require_mapping(rule, "OwnershipControls.Rules").get("ObjectOwnership"), "ObjectOwnership")
        if ownership != _ENFORCED:
            yield f"ObjectOwnership is {ownership}, so ACLs count; it must be {_ENFORCED}"


RULE = Rule(
    title="A bucket blocks public access in all four ways and knows no ACLs",
    why="A copy in the second region that can be made public undoes whatever protects the first.",
    fix="Set all four flags of PublicAccessBlockConfiguration to true and ObjectOwnership to BucketOwnerEnforced.",
    judge=rule_from(_violations, BUCKET),
    controls=nist("AC-3", "AC-4", "AC-6", "SC-7(3)") + hipaa("164.312(a)(1)") + pci("1.2", "1.3", "2.2"),
)
