"""Properties that a bucket must have."""

from collections.abc import Mapping
from typing import Final

from compliance.aws.admission import admits
from compliance.aws.replication_terms import BUCKET, is_replicated
from compliance.aws.resource_policies import policies_of
from compliance.cfn.arns import find, undeclared
from compliance.cfn.policies import covers
from compliance.cfn.reading import require_mapping, require_number, require_text, value_at
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import Property, is_true, one_of, require, wants

_SHORTEST_LOCK: Final = 30
"""Days, as ActivePassive-S3Expiry asks that objects stay."""
_STRICT: Final = "COMPLIANCE"
_FLAGS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _is_versioned_or_replicated(bucket: Resource, world: TemplateSet) -> bool:
    return not is_absent(bucket.properties.get("VersioningConfiguration")) or is_replicated(bucket, world)


def _is_bucket_of_templates(found: Property) -> str | None:
    target = None if is_absent(found.value) else find(found.value, found.resource.template, found.world, BUCKET)
    if target is not None:
        return _of_delivery(found, target)
    if not is_absent(found.value):
        undeclared(found.value, found.resource.template, found.world)
    return found.refused("a bucket of the templates")


def _of_delivery(found: Property, target: Resource) -> str | None:
    """Return what is wrong with the prefix of a log, if the policy on its bucket admits S3's logs, but under others only."""
    prefix = require_text(found.owner["LoggingConfiguration"].get("LogFilePrefix"), "LogFilePrefix") or ""
    for _, policy in policies_of(target, found.world):
        admitted = [each for each in policy if admits(each, "logging.s3.amazonaws.com", "s3:PutObject")]
        patterns = [resource.partition("/")[2] or resource for each in admitted for resource in each.resources]
        if patterns and not any(covers(pattern, prefix) for pattern in patterns):
            return f"LogFilePrefix is {prefix!r}, and the policy of {target.path} admits {', '.join(patterns)} only"
    return None


def default_retention(bucket: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what Object Lock does with each new object of a bucket, by the bucket's properties; empty for nothing."""
    found = value_at(bucket, ("ObjectLockConfiguration", "Rule", "DefaultRetention"))
    return require_mapping(found, "ObjectLockConfiguration.Rule.DefaultRetention")


def days_locked(retention: Mapping[str, Json]) -> float:
    """Return how long a new object cannot be deleted, in days; a year counts 365."""
    days, years = (require_number(retention.get(unit), unit) or 0 for unit in ("Days", "Years"))
    return days + 365 * years


def _is_lock_of_protected(bucket: Resource, world: TemplateSet) -> bool:
    is_declared = any(_declared(world)) and not is_absent(bucket.properties.get("ObjectLockConfiguration"))
    return world.is_protected and (is_declared or bool(default_retention(bucket.properties)))


def _declared(world: TemplateSet) -> list[Mapping[str, Json]]:
    """Return the retentions that the templates declare, so that a shorter or weaker lock is seen."""
    return [require_mapping(each.declared.get("ObjectLock"), "Metadata.Lockstep.ObjectLock") for each in world.templates]


@wants(limit=(_SHORTEST_LOCK,))
def _locks_long(found: Property) -> str | None:
    retention, declared = default_retention(found.resource.properties), _declared(found.world)
    least = max(_SHORTEST_LOCK, *map(days_locked, declared))
    if days_locked(retention) < least:
        return found.refused(f"{least:g} or more in a protected environment, or Years instead")
    is_strict = any(each.get("Mode") == _STRICT for each in declared) and retention.get("Mode") != _STRICT
    return f"Mode is {retention.get('Mode')!r}; it must be {_STRICT}, as the templates declare" if is_strict else None


RULES: Final = (
    require(
        BUCKET,
        "ObjectLockConfiguration.Rule.DefaultRetention.Days",
        _locks_long,
        applies=_is_lock_of_protected,
        id="lock",
        title="In a protected environment Object Lock keeps objects for 30 days or more, and as the templates declare",
        why=(
            "No role deletes a locked object. A shorter lock is over before somebody notices "
            "the intrusion, or a lost region is back."
        ),
        fix=(
            "Raise Days or Years of ObjectLockConfiguration.Rule.DefaultRetention; object_lock in environments.toml sets "
            "and declares both."
        ),
        controls=nist("AU-9", "AU-11", "CP-9", "SI-12") + hipaa("164.312(c)(1)") + pci("10.5", "10.7"),
    ),
    require(
        BUCKET,
        "LoggingConfiguration.DestinationBucketName",
        _is_bucket_of_templates,
        applies=lambda bucket, _: not is_absent(bucket.properties.get("LoggingConfiguration")),
        id="access_logs",
        title="A bucket's access log goes to a bucket of the templates",
        why="Who reads, keeps or deletes the access log in another bucket is unknown, and S3 drops it once that is gone.",
        fix="Refer to an AWS::S3::Bucket of the templates in LoggingConfiguration.DestinationBucketName.",
        controls=nist("AU-2", "AU-9", "AU-12") + hipaa("164.312(b)") + pci("10.1", "10.5"),
    ),
    require(
        BUCKET,
        "VersioningConfiguration.Status",
        one_of("Enabled"),
        applies=_is_versioned_or_replicated,
        id="versioning",
        title="A bucket that replicates, or is replicated to, is versioned, and no other suspends its versions",
        why="S3 replicates versions. Without them it refuses the rule, and an overwrite in one region is a loss in both.",
        fix="Set VersioningConfiguration.Status to Enabled.",
        controls=nist("CP-9", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)") + pci("10.5.3"),
    ),
    require(
        BUCKET,
        "OwnershipControls.Rules[*].ObjectOwnership",
        one_of("BucketOwnerEnforced"),
        also={f"PublicAccessBlockConfiguration.{flag}": is_true for flag in _FLAGS},
        id="public",
        title="A bucket blocks public access in all four ways and has no ACLs",
        why="A copy in the second region that can be made public defeats the protection of the first.",
        fix="Set all four flags of PublicAccessBlockConfiguration to true and ObjectOwnership to BucketOwnerEnforced.",
        controls=nist("AC-3", "AC-4", "AC-6", "SC-7(3)") + hipaa("164.312(a)(1)") + pci("1.2", "1.3", "2.2"),
    ),
)
