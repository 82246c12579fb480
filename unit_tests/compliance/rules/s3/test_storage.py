"""The rules about the encryption, versions, uploads and replication of S3 buckets."""

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    bucket,
    bucket_arn,
    key_arn,
    pair,
    regional_bucket,
    replicating,
    reverse,
)
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    Resource,
    Value,
    changed,
    conditional,
    each,
    either,
    lacking,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, on, reports, rule_test

EMPTY = {"Type": "AWS::S3::Bucket"}
RULES = "BucketEncryption.ServerSideEncryptionConfiguration"
DEFAULT = f"{RULES}.0.ServerSideEncryptionByDefault"
KEY = f"{DEFAULT}.KMSMasterKeyID"
(BY_S3,) = each(bucket("logs"), RULES, [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}])


def target(logs: Resource, name: Value = None) -> Value:
    """Return a bucket that takes the access logs of another."""
    logging = changed(bucket(), "LoggingConfiguration", to={"DestinationBucketName": name or {"Ref": "Logs"}})
    return on("Logs", alone({"It": logging, "Logs": logs}))


ACCELERATED = resource("S3::Bucket", AccelerateConfiguration={"AccelerationStatus": "Enabled"})
TELLING = resource("S3::Bucket", NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": True}})
ENABLED = "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled"
TAKES = resource("Events::Rule", EventPattern={"source": ["aws.s3"]})


def in_both(it: Resource, **others: Resource) -> tuple[Template, ...]:
    """Return a bucket of a system in two regions, and other resources in both."""
    return (template({"It": it, **others}, EAST), template({"It": it, **others}, WEST))


test_ways = rule_test(
    "ActivePassive-S3Ways",
    in_both,
    passes=[
        resource("S3::Bucket"),
        *each(ACCELERATED, "AccelerateConfiguration.AccelerationStatus", "Suspended"),
        *each(TELLING, ENABLED, False, "false"),
        in_both(TELLING, Rule=TAKES),
    ],
    fails=[
        ACCELERATED,
        *each(ACCELERATED, "AccelerateConfiguration.AccelerationStatus", either("Enabled", "Suspended")),
        *each(TELLING, ENABLED, True, "true"),
        in_both(TELLING, Rule=each(TAKES, "EventPattern.source", ["aws.ec2"])[0]),
    ],
    unresolved=[*unknown(ACCELERATED, "AccelerateConfiguration.AccelerationStatus"), *unknown(TELLING, ENABLED)],
    ignored=[template({"It": ACCELERATED}, EAST)],
)

test_encryption = rule_test(
    "ActivePassive-S3Encryption",
    passes=[
        bucket(),
        *each(bucket(), KEY, key_arn(WEST)),
        alone({"Key": {"Type": "AWS::KMS::Key"}, "It": each(bucket(), KEY, {"Fn::GetAtt": ["Key", "Arn"]})[0]}),
        *each(without(bucket(), *RULES.split("."), 0, "BucketKeyEnabled"), f"{DEFAULT}.SSEAlgorithm", "aws:kms:dsse"),
        # S3 delivers access logs only to a bucket that it encrypts itself.
        *(target(BY_S3), target(BY_S3, "serverless-logs-prod")),
    ],
    fails=[
        resource("S3::Bucket"),
        *lacking(bucket(), f"BucketEncryption {KEY} {RULES}.0.BucketKeyEnabled"),
        *each(bucket(), RULES, []),
        BY_S3,
        *each(bucket(), KEY, "alias/aws/s3", either("alias/data", "alias/aws/s3")),
        *(reports("a key of us-east-1", it) for it in each(bucket(), KEY, key_arn(EAST))),
        *each(bucket(), f"{RULES}.0.BucketKeyEnabled", False),
        *(target(bucket("logs")), target(without(bucket(), "BucketEncryption"))),
    ],
    unresolved=unknown(bucket(), f"BucketEncryption {DEFAULT} {DEFAULT}.SSEAlgorithm {RULES}.0.BucketKeyEnabled {KEY}"),
)

LIFECYCLE = "LifecycleConfiguration.Rules"
ABORT = f"{LIFECYCLE}.0.AbortIncompleteMultipartUpload"

test_uploads = rule_test(
    "ActivePassive-S3Uploads",
    passes=[bucket(), *each(bucket(), f"{LIFECYCLE}.0.Prefix", ""), *each(bucket(), f"{ABORT}.DaysAfterInitiation", "30")],
    fails=[
        resource("S3::Bucket"),
        *lacking(bucket(), f"LifecycleConfiguration {ABORT}"),
        *each(bucket(), ABORT, {}),
        *each(bucket(), f"{LIFECYCLE}.0.Status", "Disabled", either("Enabled", "Disabled")),
        *each(bucket(), f"{LIFECYCLE}.0.Prefix", "incoming/"),
        *each(bucket(), f"{ABORT}.DaysAfterInitiation", 31),
    ],
    unresolved=unknown(
        bucket(), f"LifecycleConfiguration {LIFECYCLE} {LIFECYCLE}.0 {LIFECYCLE}.0.Status {ABORT}.DaysAfterInitiation"
    ),
)

VERSIONING = "VersioningConfiguration"
UNVERSIONED = without(regional_bucket(), VERSIONING)

test_versioning = rule_test(
    "ActivePassive-S3Versioning",
    passes=[pair(replicating(), regional_bucket())],
    fails=[
        pair(without(replicating(), VERSIONING), regional_bucket()),
        *(
            (template({"It": west}, WEST), template({"It": replicating()}, EAST))
            for west in (
                UNVERSIONED,
                *each(regional_bucket(), f"{VERSIONING}.Status", "Suspended"),
                *each(regional_bucket(), VERSIONING, either({"Status": "Enabled"}, ABSENT)),
            )
        ),
    ],
    unresolved=unknown(without(replicating(), VERSIONING), "ReplicationConfiguration"),
    ignored=[without(bucket(), VERSIONING), EMPTY],
)


def test_only_the_side_without_versions_fails() -> None:
    for sides in (pair(replicating(), UNVERSIONED), pair(regional_bucket(), UNVERSIONED, back=reverse())):
        assert [row.verdict for row in ask("ActivePassive-S3Versioning", *sides)] == [PASS, FAIL]


DIRECTIONS = "ActivePassive-S3ReplicationDirections"
CONFIGURATION = "ReplicationConfiguration"
FIRST = f"{CONFIGURATION}.Rules.0"
NOTIFYING = regional_bucket()
SOURCE = f"serverless-ingest-prod-000000000000-{WEST}-an"


def verdicts(east: Resource, west: Resource, back: Resource | None = None) -> list[Verdict]:
    """Return the verdicts on both buckets and what sets the reverse direction."""
    return [row.verdict for row in ask(DIRECTIONS, *pair(east, west, back=back))]


def test_both_directions_pass_however_they_are_set() -> None:
    assert verdicts(replicating(WEST), replicating(EAST)) == [PASS] * 2
    assert verdicts(NOTIFYING, replicating(EAST), reverse(EAST, WEST)) == [PASS] * 3
    other = resource("CloudFormation::CustomResource", SourceBucketName=SOURCE, TargetBucketArn=bucket_arn(EAST))
    terms = {CONFIGURATION: replicating(EAST)["Properties"][CONFIGURATION]}
    configured = {"Type": "Custom::Anything", "Properties": {"Bucket": SOURCE, **terms}}
    for back in (reverse(), other, configured):
        assert verdicts(replicating(), NOTIFYING, back) == [PASS] * 3


def test_missing_direction_fails_on_both_sides_where_work_arrives() -> None:
    assert verdicts(replicating(), NOTIFYING) == [FAIL, FAIL]
    assert verdicts(NOTIFYING, NOTIFYING, reverse()) == [FAIL, PASS, FAIL]
    assert verdicts(NOTIFYING, NOTIFYING) == [FAIL, FAIL]
    silent = without(regional_bucket(), "NotificationConfiguration")
    assert verdicts(silent, silent) == []


def test_direction_that_may_not_work_fails() -> None:
    for forward in (
        *each(replicating(), f"{FIRST}.Status", "Disabled", either("Enabled", "Disabled")),
        *each(replicating(), CONFIGURATION, either(replicating()["Properties"][CONFIGURATION], ABSENT)),
        *each(replicating(), f"{CONFIGURATION}.Rules", []),
        replicating(EAST),
    ):
        assert FAIL in verdicts(forward, NOTIFYING, reverse())
    for back in (
        *(reverse(WEST, WEST), reverse(EAST, WEST), conditional(reverse())),
        *each(reverse(), "BucketRegion", EAST),
        *each(reverse(), "DestinationBucketArn", "arn:aws:s3:::serverless-ingest-prod-000000000000-eu-west-1-an"),
    ):
        assert FAIL in verdicts(replicating(), NOTIFYING, back)


test_replication_directions = rule_test(
    DIRECTIONS,
    region=EAST,
    passes=[pair(replicating(), NOTIFYING, back=reverse())],
    fails=[replicating(EAST)],
    unresolved=[
        replicating(WEST),
        template({"It": reverse()}, WEST),
        *unknown(replicating(), f"{FIRST}.Destination.Bucket {CONFIGURATION}"),
    ],
    ignored=[template({"It": bucket()}, WEST), template({"It": EMPTY}, WEST)],
)

ENCRYPTION = f"{FIRST}.Destination.EncryptionConfiguration"
REPLICA_KEY = f"{ENCRYPTION}.ReplicaKmsKeyID"
NOT_OURS = ("alias/aws/s3", "alias/ours", "arn:aws:kms:us-west-2:000000000000:alias/aws/s3")

test_replication_key = rule_test(
    "ActivePassive-S3ReplicationKey",
    passes=[replicating(), reverse()],
    fails=[
        *lacking(replicating(), f"{REPLICA_KEY} {ENCRYPTION}"),
        *lacking(reverse(), "ReplicaKmsKeyId"),
        *each(replicating(), REPLICA_KEY, *NOT_OURS, *(either(key_arn(WEST), own) for own in NOT_OURS)),
        *each(reverse(), "ReplicaKmsKeyId", *NOT_OURS),
        reports("is a key of us-east-1; it must be one of us-west-2", each(replicating(), REPLICA_KEY, key_arn(EAST))[0]),
        reports(
            "is a key of us-west-2; it must be one of us-east-1", changed(reverse(), "ReplicaKmsKeyId", to=key_arn(WEST))
        ),
    ],
    unresolved=[
        *unknown(replicating(), f"{REPLICA_KEY} {FIRST}.Destination.Bucket"),
        *unknown(reverse(), "ReplicaKmsKeyId"),
        *each(replicating(), f"{FIRST}.Destination.Bucket", "arn:aws:s3:::elsewhere"),
    ],
    ignored=[bucket()],
)

SWITCHES = (
    "Status",
    "DeleteMarkerReplication.Status",
    "SourceSelectionCriteria.ReplicaModifications.Status",
    "SourceSelectionCriteria.SseKmsEncryptedObjects.Status",
    "Destination.ReplicationTime.Status",
    "Destination.Metrics.Status",
)
(SHOWN,) = each(reverse(), CONFIGURATION, replicating()["Properties"][CONFIGURATION])
(PREFIXED,) = each(replicating(), f"{FIRST}.Filter.Prefix", "incoming/")

test_replication_terms = rule_test(
    "ActivePassive-S3ReplicationTerms",
    passes=[
        replicating(),
        *lacking(replicating(), f"{FIRST}.Filter"),
        *each(replicating(), f"{FIRST}.Filter.Prefix", "in"),  # covers incoming/
        SHOWN,
        *each(replicating(), f"{FIRST}.Destination.Account", "000000000000", {"Ref": "AWS::AccountId"}),
    ],
    fails=[
        *(
            it
            for switch in SWITCHES
            for it in (
                reports(f"{switch} is not Enabled", each(replicating(), f"{FIRST}.{switch}", "Disabled")[0]),
                *each(replicating(), f"{FIRST}.{switch}", either("Enabled", "Disabled")),
                *lacking(replicating(), f"{FIRST}.{switch}"),
            )
        ),
        *lacking(
            replicating(),
            f"{FIRST}.DeleteMarkerReplication {FIRST}.SourceSelectionCriteria {FIRST}.Destination"
            f" {FIRST}.Destination.Metrics.EventThreshold",
        ),
        *each(replicating(), f"{FIRST}.Destination.ReplicationTime.Time.Minutes", 60),
        *each(replicating(), f"{FIRST}.Destination.StorageClass", "DEEP_ARCHIVE"),
        *each(replicating(), f"{FIRST}.Destination.Account", "999999999999"),
        *each(replicating(), f"{FIRST}.Filter.Prefix", "incoming/uploads/"),
        *each(
            replicating(),
            f"{FIRST}.Filter",
            {"TagFilter": {"Key": "copy", "Value": "yes"}},
            {"And": {"Prefix": "", "TagFilters": [{"Key": "k", "Value": "v"}]}},
        ),
        without(PREFIXED, "NotificationConfiguration"),
        *each(SHOWN, f"{FIRST}.DeleteMarkerReplication.Status", "Disabled"),
    ],
    unresolved=[
        reverse(),
        *(it for switch in SWITCHES for it in unknown(replicating(), f"{FIRST}.{switch}")),
        *unknown(replicating(), f"{CONFIGURATION} {FIRST} {FIRST}.Destination {FIRST}.Filter.Prefix"),
    ],
    ignored=[bucket(), {"Type": "Custom::Other", "Properties": {"Bucket": "b"}}],
)
