"""A replicated bucket keeps versions."""

from collections.abc import Iterator

from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.cfn.reading import require_mapping, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from


def _applies(bucket: Resource, world: TemplateSet) -> bool:
    return not is_absent(bucket.properties.get("VersioningConfiguration")) or is_replicated(bucket, world)


def _violations(bucket: Resource, _world: TemplateSet) -> Iterator[str]:
    versioning = require_mapping(bucket.properties.get("VersioningConfiguration"), "VersioningConfiguration")
    status = require_text(versioning.get("Status"), "VersioningConfiguration.Status")
    if status != "Enabled":
        yield f"VersioningConfiguration.Status is {status or 'not set'}; it must be Enabled"


RULE = Rule(
    title="A bucket that replicates, or is replicated to, is versioned, and no other suspends its versions",
    why="S3 replicates versions: without them the rule is refused, and an overwrite in one region is a loss in both.",
    fix="Set VersioningConfiguration.Status to Enabled.",
    judge=rule_from(_violations, BUCKET, applies=_applies),
    controls=nist("CP-9", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)") + pci("10.5.3"),
)
