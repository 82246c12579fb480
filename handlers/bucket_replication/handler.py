"""Custom resource that sets one replication rule on a bucket.

S3 refuses a rule whose destination does not exist yet, so of two buckets that replicate to each other only one can have
its rule in its template. This sets the other's, last, and takes away nothing but that rule.

Resource properties, all texts:

| property               | what it is                                                                       |
|------------------------|----------------------------------------------------------------------------------|
| `Bucket`               | name of the source bucket                                                        |
| `BucketRegion`         | the region it is in                                                              |
| `Role`                 | ARN of the role that S3 assumes to replicate                                     |
| `RuleId`               | the rule's id                                                                    |
| `DestinationBucketArn` | ARN of the bucket in the other region                                            |
| `ReplicaKmsKeyId`      | ARN of a key, or of an alias, in the destination's region                        |
"""

from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.shared import custom_resource
from handlers.shared.custom_resource import Context, Outcome, Request, RequestType

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ReplicationConfigurationOutputTypeDef, ReplicationRuleOutputTypeDef

logger = Logger()

REPLICATION_TIME_MINUTES: Final = 15
"""The only value that S3 Replication Time Control takes."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation's request; see `provide`."""
    custom_resource.answer(event, context, provide)


def provide(request: Request) -> Outcome:
    """Set the rule (Create, Update) or take it away (Delete).

    Raises:
        PropertyError: A property is missing.
        ClientError: S3 refused.
    """
    bucket, rule_id = request.text("Bucket"), request.text("RuleId")
    s3 = boto3.client(
        "s3",
        region_name=request.text("BucketRegion"),
        config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
    )
    if request.type is RequestType.DELETE:
        remove_rule(s3, bucket, rule_id)
    else:
        set_rule(s3, bucket, request.text("Role"), desired_rule(request), replaced_id=_replaced_rule(request))
    return Outcome(f"{bucket}/{rule_id}", {"Bucket": bucket, "RuleId": rule_id})


def desired_rule(request: Request) -> "ReplicationRuleOutputTypeDef":
    """Return the rule as S3 takes it: everything, encrypted, with delete markers and replica modifications, timed."""
    return {
        "ID": request.text("RuleId"),
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "SourceSelectionCriteria": {
            "SseKmsEncryptedObjects": {"Status": "Enabled"},
            "ReplicaModifications": {"Status": "Enabled"},
        },
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {
            "Bucket": request.text("DestinationBucketArn"),
            "EncryptionConfiguration": {"ReplicaKmsKeyID": request.text("ReplicaKmsKeyId")},
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": REPLICATION_TIME_MINUTES}},
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": REPLICATION_TIME_MINUTES}},
        },
    }


def set_rule(
    s3: "S3Client", bucket: str, role: str, rule: "ReplicationRuleOutputTypeDef", *, replaced_id: str | None = None
) -> None:
    """Have the rule, with the role, among the bucket's rules; writes only if it is not so already.

    Args:
        s3: A client of the bucket's region.
        bucket: The source bucket.
        role: What S3 assumes; one for all the bucket's rules.
        rule: Takes the place of the rule of the same id.
        replaced_id: An id that this rule had before, which shall be gone.
    """
    current = _read(s3, bucket)
    ours = {rule["ID"], replaced_id}
    others = [other for other in (current["Rules"] if current else []) if other.get("ID") not in ours]
    desired = [*others, rule]
    if current and current["Role"] == role and _canonical(current["Rules"]) == _canonical(desired):
        logger.info("the replication rule is in place already", bucket=bucket, rule=rule["ID"])
        return
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": desired})
    logger.info("the replication rule is set", bucket=bucket, rule=rule["ID"])


def remove_rule(s3: "S3Client", bucket: str, rule_id: str) -> None:
    """Have no rule of that id on the bucket; content if there is no such rule, or no such bucket."""
    try:
        current = _read(s3, bucket)
        if current is None:
            return
        others = [rule for rule in current["Rules"] if rule.get("ID") != rule_id]
        if len(others) == len(current["Rules"]):
            return
        if others:
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": current["Role"], "Rules": others})
        else:
            s3.delete_bucket_replication(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        logger.info("the bucket is gone, and its rules with it", bucket=bucket)


def _read(s3: "S3Client", bucket: str) -> "ReplicationConfigurationOutputTypeDef | None":
    try:
        return s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ReplicationConfigurationNotFoundError":
            raise
        return None


def _replaced_rule(request: Request) -> str | None:
    """Return the id that an Update renames on the same bucket: two rules of one priority would be refused."""
    old = request.old_properties
    return old.get("RuleId") if old.get("Bucket") == request.text("Bucket") else None


def _canonical(rules: "list[ReplicationRuleOutputTypeDef]") -> list[dict[str, Any]]:
    """Make rules comparable: S3 may answer an all-embracing filter as an empty one, and rules in any order."""
    plain = [{**rule, "Filter": rule.get("Filter") or {"Prefix": ""}} for rule in rules]
    return sorted(plain, key=lambda rule: str(rule.get("ID")))
