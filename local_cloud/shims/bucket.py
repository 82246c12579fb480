"""`AWS::S3::Bucket`: the account-regional name, and properties that the stock handler drops.

Faithful: `BucketNamePrefix` with `BucketNamespace: account-regional` becomes `<prefix>-<account>-<region>-an` in
`Ref` and every attribute; encryption (KMS by id, ARN or alias, bucket key), lifecycle, replication, access logging,
object lock, ownership, versioning and tags are set through the S3 API and can be read back.
Different from AWS: lifecycle rules expire nothing, access logs are not delivered, a bucket key saves no KMS calls.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core.responses import get_account_id, get_region

from local_cloud.shims import _api, _templates
from local_cloud.shims._api import renamed, truthful

_NAMESPACE: Final = "account-regional"
_LONGEST_NAME: Final = 63


def install() -> None:
    """Set the real names and all properties of buckets."""
    _templates.extend("AWS::S3::Bucket", _apply, rewrite=_with_real_name, before_delete=_require_empty)


def _with_real_name(properties: _templates.Properties) -> _templates.Properties:
    if "BucketNamespace" not in properties and "BucketNamePrefix" not in properties:
        return properties
    if properties.get("BucketNamespace") != _NAMESPACE or "BucketNamePrefix" not in properties:
        raise ValueError(
            f"BucketNamePrefix goes with BucketNamespace: {_NAMESPACE}; got "
            f"{properties.get('BucketNamePrefix')!r} with {properties.get('BucketNamespace')!r}."
        )
    name = f"{properties['BucketNamePrefix']}-{get_account_id()}-{get_region()}-an"
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"The bucket name {name} has {len(name)} characters; at most {_LONGEST_NAME} are allowed.")
    rest = {key: value for key, value in properties.items() if key not in ("BucketNamespace", "BucketNamePrefix")}
    return {**rest, "BucketName": name}


def _apply(bucket: _templates.Resource) -> _templates.Attributes:
    name = bucket.physical_id
    s3 = _api.client("s3")
    # Object lock and replication demand versioning, so it comes first.
    _versioning(s3, name, bucket)
    _ownership(s3, name, bucket)
    _encryption(s3, name, bucket)
    _lifecycle(s3, name, bucket)
    _logging(s3, name, bucket)
    _object_lock(s3, name, bucket)
    _replication(s3, name, bucket)
    _tags(s3, name, bucket)
    return {"DualStackDomainName": f"{name}.s3.dualstack.{get_region()}.amazonaws.com"}


def _require_empty(name: str, _properties: _templates.Properties) -> None:
    """Refuse to delete a bucket that is not empty, including old versions and delete markers."""
    s3 = _api.client("s3")
    try:
        listed = s3.list_object_versions(Bucket=name, MaxKeys=1)
    except s3.exceptions.NoSuchBucket:
        return
    if listed.get("Versions") or listed.get("DeleteMarkers"):
        raise ValueError(f"BucketNotEmpty: the bucket {name} still holds objects; delete them first.")


def _versioning(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if bucket.properties.get("ObjectLockEnabled"):
        status = "Enabled"
    elif "VersioningConfiguration" in bucket.properties:
        status = bucket.properties["VersioningConfiguration"]["Status"]
    elif bucket.removed("VersioningConfiguration"):
        status = "Suspended"
    else:
        return
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})


def _ownership(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if controls := bucket.properties.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": controls["Rules"]})
    elif bucket.removed("OwnershipControls"):
        s3.delete_bucket_ownership_controls(Bucket=name)


def _encryption(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if encryption := bucket.properties.get("BucketEncryption"):
        rules = [
            renamed(
                truthful(rule, "BucketKeyEnabled"),
                ServerSideEncryptionByDefault="ApplyServerSideEncryptionByDefault",
            )
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    elif bucket.removed("BucketEncryption"):
        s3.delete_bucket_encryption(Bucket=name)


def _lifecycle(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if lifecycle := bucket.properties.get("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    elif bucket.removed("LifecycleConfiguration"):
        s3.delete_bucket_lifecycle(Bucket=name)


def _lifecycle_rule(rule: _templates.Properties) -> _templates.Properties:
    """Convert CloudFormation's flat properties to the nested ones of the S3 API."""
    answer: dict[str, Any] = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        answer["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        answer["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "ExpiredObjectDeleteMarker" in rule:
        answer["Expiration"] = truthful(rule, "ExpiredObjectDeleteMarker", only=True)
    if "NoncurrentVersionExpiration" in rule:
        answer["NoncurrentVersionExpiration"] = _integers(rule["NoncurrentVersionExpiration"])
    if "NoncurrentVersionExpirationInDays" in rule:
        answer["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    if "Transitions" in rule:
        answer["Transitions"] = [
            _integers(renamed(move, TransitionInDays="Days", TransitionDate="Date")) for move in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        answer["NoncurrentVersionTransitions"] = [
            _integers(renamed(move, TransitionInDays="NoncurrentDays")) for move in rule["NoncurrentVersionTransitions"]
        ]
    if "AbortIncompleteMultipartUpload" in rule:
        answer["AbortIncompleteMultipartUpload"] = _integers(rule["AbortIncompleteMultipartUpload"])
    return answer


def _lifecycle_filter(rule: _templates.Properties) -> _templates.Properties:
    criteria: dict[str, Any] = {name: rule[name] for name in ("Prefix",) if rule.get(name)}
    criteria |= {name: int(rule[name]) for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule}
    tags = rule.get("TagFilters", [])
    if len(criteria) + len(tags) > 1:
        return {"And": {**criteria, **({"Tags": tags} if tags else {})}}
    if tags:
        return {"Tag": tags[0]}
    return criteria or {"Prefix": ""}


def _logging(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if logging := bucket.properties.get("LoggingConfiguration"):
        enabled = {
            "TargetBucket": logging.get("DestinationBucketName", name),
            "TargetPrefix": logging.get("LogFilePrefix", ""),
        }
        if "TargetObjectKeyFormat" in logging:
            enabled["TargetObjectKeyFormat"] = logging["TargetObjectKeyFormat"]
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": enabled})
    elif bucket.removed("LoggingConfiguration"):
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})


def _object_lock(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if not bucket.properties.get("ObjectLockEnabled"):
        return
    configuration: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    if rule := bucket.properties.get("ObjectLockConfiguration", {}).get("Rule"):
        configuration["Rule"] = {"DefaultRetention": _integers(rule["DefaultRetention"])}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=configuration)


def _replication(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if replication := bucket.properties.get("ReplicationConfiguration"):
        rules = [_replication_rule(rule) for rule in replication["Rules"]]
        s3.put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": replication["Role"], "Rules": rules})
    elif bucket.removed("ReplicationConfiguration"):
        s3.delete_bucket_replication(Bucket=name)


def _replication_rule(rule: _templates.Properties) -> _templates.Properties:
    answer = renamed(rule, Id="ID")
    if "Priority" in answer:
        answer["Priority"] = int(answer["Priority"])
    if "Filter" in answer:
        chosen = renamed(answer["Filter"], TagFilter="Tag")
        if "And" in chosen:
            chosen["And"] = renamed(chosen["And"], TagFilters="Tags")
        answer["Filter"] = chosen or {"Prefix": ""}
    destination = dict(answer["Destination"])
    for option, span in (("ReplicationTime", "Time"), ("Metrics", "EventThreshold")):
        if span in destination.get(option, {}):
            destination[option] = {**destination[option], span: _integers(destination[option][span])}
    return {**answer, "Destination": destination}


def _tags(s3: Any, name: str, bucket: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if tags := bucket.properties.get("Tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    elif bucket.removed("Tags"):
        s3.delete_bucket_tagging(Bucket=name)


def _integers(value: _templates.Properties) -> _templates.Properties:
    """Convert strings to numbers, because templates may have strings and the API takes numbers."""
    return {key: int(item) if isinstance(item, str) and item.isdecimal() else item for key, item in value.items()}
