"""A bucket's objects are encrypted with a customer managed key, with bucket keys enabled."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import Key, key_of
from compliance.aws.keys import key_violations
from compliance.aws.replication_terms import BUCKET
from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_bool, require_list, require_mapping, require_text
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_S3_OWN: Final = "AES256"
_KMS: Final = "aws:kms"
_TWO_LAYERS: Final = "aws:kms:dsse"
"""Encrypts twice, and takes no bucket key."""


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    encryption = require_mapping(bucket.properties.get("BucketEncryption"), "BucketEncryption")
    rules = require_list(encryption.get("ServerSideEncryptionConfiguration"), "ServerSideEncryptionConfiguration")
    if not rules:
        yield "BucketEncryption is not set; set it to aws:kms with a key of ours"
    for rule in rules:
        each = require_mapping(rule, "ServerSideEncryptionConfiguration")
        default = require_mapping(each.get("ServerSideEncryptionByDefault"), "ServerSideEncryptionByDefault")
        algorithm = require_text(default.get("SSEAlgorithm"), "SSEAlgorithm")
        if _takes_access_logs(bucket, world):
            # S3 delivers access logs only where its own key is the default.
            if algorithm != _S3_OWN:
                yield f"SSEAlgorithm is {algorithm}, and S3 delivers access logs only to a bucket with {_S3_OWN}"
        elif algorithm not in {_KMS, _TWO_LAYERS}:
            yield f"SSEAlgorithm is {algorithm}; it must be {_KMS} with a key of ours"
        else:
            key = default.get("KMSMasterKeyID")
            yield from key_violations("KMSMasterKeyID", key, bucket.template.region, bucket, world)
            if algorithm == _KMS and not require_bool(each.get("BucketKeyEnabled"), "BucketKeyEnabled"):
                yield "BucketKeyEnabled is not true, so each object costs a call to KMS and counts against its quota"


def _takes_access_logs(bucket: Resource, world: TemplateSet) -> bool:
    return bucket.properties.get("AccessControl") == "LogDeliveryWrite" or key_of(bucket) in _targets(world)


@cached
def _targets(world: TemplateSet) -> frozenset[Key]:
    """Return the buckets that another may send its access logs to."""
    found = set()
    for bucket in of_type(world, BUCKET):
        try:
            for properties in branches(bucket.properties):
                logging = require_mapping(properties.get("LoggingConfiguration"), "LoggingConfiguration")
                name = logging.get("DestinationBucketName")
                target = None if name is None else find(name, bucket.template, world, BUCKET)
                if target is not None:
                    found.add(key_of(target))
        except UnresolvedError:
            continue  # Its own row says that it cannot be read.
    return frozenset(found)


RULE = Rule(
    title="A bucket is encrypted with a customer managed key of its region and uses bucket keys; access logs with S3's own",
    why=(
        "Replication, recovery and audits depend on a key whose policy the account controls. Without bucket keys, a burst "
        "of uploads exceeds KMS's request quota when a region catches up."
    ),
    fix="Set SSEAlgorithm aws:kms, KMSMasterKeyID and BucketKeyEnabled; for the target of access logs, AES256.",
    judge=rule_from(_violations, BUCKET),
    controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "8.2.1", "10.5"),
)
