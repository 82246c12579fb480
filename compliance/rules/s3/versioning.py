"""A replicated bucket keeps versions."""

from collections.abc import Iterator

from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.cfn.reading import a_map, a_text
from compliance.cfn.templates import Resource, World
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by


def _applies(bucket: Resource, world: World) -> bool:
    return not is_absent(bucket.properties.get("VersioningConfiguration")) or is_replicated(bucket, world)


def _complaints(bucket: Resource, _world: World) -> Iterator[str]:
    versioning = a_map(bucket.properties.get("VersioningConfiguration"), "VersioningConfiguration")
    status = a_text(versioning.get("Status"), "VersioningConfiguration.Status")
    if status != "Enabled":
        yield f"VersioningConfiguration.Status is {status or 'not set'}; it must be Enabled"


RULE = Rule(
    title="A bucket that replicates, or is replicated to, is versioned, and no other suspends its versions",
    why="S3 replicates versions: without them the rule is refused, and an overwrite in one region is a loss in both.",
    fix="Set VersioningConfiguration.Status to Enabled.",
    judge=judge_by(_complaints, BUCKET, applies=_applies),
    controls=nist("CP-9", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)") + pci("10.5.3"),
)
