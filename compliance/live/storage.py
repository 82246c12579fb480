"""Readers of buckets, the table and the secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from compliance.live.deployed import Deployed
from compliance.live.readers import GoneError, Properties, own_tags, reads, renamed


@reads("AWS::S3::Bucket")
def bucket(resource: Deployed) -> Properties:
    s3, name = resource.client("s3"), resource.physical_id

    def ask(question: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        try:
            return question(Bucket=name)
        except ClientError as error:
            if error.response["Error"]["Code"].startswith(
                ("NoSuch", "ObjectLock", "Replication", "ServerSide", "Ownership")
            ):
                return {}
            raise

    encryption = ask(s3.get_bucket_encryption).get("ServerSideEncryptionConfiguration", {})
    logging = ask(s3.get_bucket_logging).get("LoggingEnabled", {})
    lock = ask(s3.get_object_lock_configuration).get("ObjectLockConfiguration", {})
    notification = ask(s3.get_bucket_notification_configuration)
    replication = ask(s3.get_bucket_replication).get("ReplicationConfiguration")
    cors = ask(s3.get_bucket_cors).get("CORSRules")
    suffix = f"-{resource.cloud.account}-{resource.region}-an"
    rules = [
        {
            "ServerSideEncryptionByDefault": renamed(
                one["ApplyServerSideEncryptionByDefault"], SSEAlgorithm="SSEAlgorithm", KMSMasterKeyID="KMSMasterKeyID"
            ),
            **renamed(one, BucketKeyEnabled="BucketKeyEnabled"),
        }
        for one in encryption.get("Rules", [])
    ]
    return {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": rules},
        "BucketName": name,
        "BucketNamePrefix": name.removesuffix(suffix),
        "BucketNamespace": "account-regional" if name.endswith(suffix) else "global",
        **({"CorsConfiguration": {"CorsRules": [_cors(one) for one in cors]}} if cors else {}),
        "LifecycleConfiguration": {
            "Rules": [_lifecycle(one) for one in ask(s3.get_bucket_lifecycle_configuration).get("Rules", [])]
        },
        "LoggingConfiguration": renamed(logging, DestinationBucketName="TargetBucket", LogFilePrefix="TargetPrefix"),
        "NotificationConfiguration": {
            "EventBridgeConfiguration": {"EventBridgeEnabled": "EventBridgeConfiguration" in notification},
            "LambdaConfigurations": [
                _notification(one, "Function", "LambdaFunctionArn")
                for one in notification.get("LambdaFunctionConfigurations", [])
            ],
            "QueueConfigurations": [
                _notification(one, "Queue", "QueueArn") for one in notification.get("QueueConfigurations", [])
            ],
            "TopicConfigurations": [
                _notification(one, "Topic", "TopicArn") for one in notification.get("TopicConfigurations", [])
            ],
        },
        "ObjectLockConfiguration": lock,
        "ObjectLockEnabled": lock.get("ObjectLockEnabled") == "Enabled",
        "OwnershipControls": ask(s3.get_bucket_ownership_controls).get("OwnershipControls", {}),
        "PublicAccessBlockConfiguration": ask(s3.get_public_access_block).get("PublicAccessBlockConfiguration", {}),
        **({"ReplicationConfiguration": _replication(replication)} if replication else {}),
        "Tags": own_tags(ask(s3.get_bucket_tagging).get("TagSet", [])),
        "WebsiteConfiguration": {key: held for key, held in ask(s3.get_bucket_website).items() if key != "ResponseMetadata"},
        "VersioningConfiguration": renamed(ask(s3.get_bucket_versioning), Status="Status"),
    }


def _cors(rule: dict[str, Any]) -> Properties:
    return {**rule, **renamed(rule, Id="ID", ExposedHeaders="ExposeHeaders", MaxAge="MaxAgeSeconds")}


def _lifecycle(rule: dict[str, Any]) -> Properties:
    expiration = rule.get("Expiration", {})
    # AWS answers a rule's prefix within its filter, which older rules do not have.
    asked = rule.get("Filter", rule)
    asked = {**asked, **asked.get("And", {})}
    tags = [asked["Tag"]] if "Tag" in asked else asked.get("Tags", [])
    return {
        **renamed(rule, Id="ID", Status="Status", AbortIncompleteMultipartUpload="AbortIncompleteMultipartUpload"),
        **renamed(rule, NoncurrentVersionExpiration="NoncurrentVersionExpiration"),
        **renamed(asked, **{name: name for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")}),
        **({"TagFilters": tags} if tags else {}),
        **renamed(expiration, ExpirationInDays="Days", ExpiredObjectDeleteMarker="ExpiredObjectDeleteMarker"),
        **{name: rule[name] for name in ("Transitions", "NoncurrentVersionTransitions") if name in rule},
    }


def _notification(one: dict[str, Any], kind: str, arn: str) -> Properties:
    filtering = {"S3Key": {"Rules": one.get("Filter", {}).get("Key", {}).get("FilterRules", [])}}
    return {"Event": one["Events"], kind: one[arn], "Filter": filtering}


def _replication(configuration: dict[str, Any]) -> Properties:
    """Translate S3's answer: CloudFormation uses the same names except one."""
    rules = [dict(one) for one in configuration["Rules"]]
    for rule in rules:
        rule["Id"] = rule.pop("ID", None)
    return {**configuration, "Rules": rules}


@reads("AWS::S3::BucketPolicy")
def bucket_policy(resource: Deployed) -> Properties:
    name = resource.properties["Bucket"]
    document = json.loads(resource.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    return {"Bucket": name, "PolicyDocument": document}


@reads("AWS::DynamoDB::GlobalTable")
def global_table(resource: Deployed) -> Properties:
    name = resource.physical_id
    table = resource.client("dynamodb").describe_table(TableName=name)["Table"]
    ttl = resource.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    others = [one["RegionName"] for one in table.get("Replicas", [])]
    return {
        "AttributeDefinitions": table["AttributeDefinitions"],
        "BillingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "GlobalSecondaryIndexes": table.get("GlobalSecondaryIndexes", []),
        "GlobalTableWitnesses": [{"Region": one["RegionName"]} for one in table.get("GlobalTableWitnesses", [])],
        "KeySchema": table["KeySchema"],
        **renamed(table, MultiRegionConsistency="MultiRegionConsistency"),
        "Replicas": [_replica(resource, region) for region in dict.fromkeys([resource.region, *others])],
        "SSESpecification": {
            "SSEEnabled": table.get("SSEDescription", {}).get("Status") == "ENABLED",
            **renamed(table.get("SSEDescription", {}), SSEType="SSEType"),
        },
        "StreamSpecification": table.get("StreamSpecification", {}),
        "TableName": table["TableName"],
        "TimeToLiveSpecification": {
            **renamed(ttl, AttributeName="AttributeName"),
            "Enabled": ttl["TimeToLiveStatus"] == "ENABLED",
        },
    }


def _replica(resource: Deployed, region: str) -> Properties:
    """Ask the replica's own region, because another region's answer may lack it."""
    dynamodb = resource.client("dynamodb", region)
    table = dynamodb.describe_table(TableName=resource.physical_id)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=resource.physical_id)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    key = table.get("SSEDescription", {}).get("KMSMasterKeyArn", "")
    return {
        "Region": region,
        "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "GlobalSecondaryIndexes": table.get("GlobalSecondaryIndexes", []),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery == "ENABLED"},
        "SSESpecification": {"KMSMasterKeyId": _as_declared(resource, region, key)},
        "ResourcePolicy": {"PolicyDocument": _table_policy(dynamodb, table["TableArn"])},
        "Tags": own_tags(dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])),
    }


def _table_policy(dynamodb: Any, arn: str) -> Properties:  # noqa: ANN401 - a boto3 client
    """Return the resource policy of a replica."""
    try:
        held: Properties = json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    except dynamodb.exceptions.PolicyNotFoundException:
        return {}
    return held


@reads("Custom::TablePolicy")
def replica_policy(resource: Deployed) -> Properties:
    """Return the resource policy of a replica in another region."""
    arn = resource.properties["TableArn"]
    return {**resource.properties, "Policy": _table_policy(resource.client("dynamodb", arn.split(":")[3]), arn)}


@reads("Custom::BucketReplication")
def bucket_replication(resource: Deployed) -> Properties:
    """Return the replication of a bucket that the custom resource configures."""
    declared = resource.properties
    held = resource.client("s3", declared["BucketRegion"]).get_bucket_replication(Bucket=declared["Bucket"])
    return {**declared, "ReplicationConfiguration": _replication(held["ReplicationConfiguration"])}


def _as_declared(resource: Deployed, region: str, key_arn: str) -> str:
    """Return the alias instead of the key's ARN, if the template names an alias of that key."""
    for replica in resource.properties["Replicas"]:
        declared = str(replica["SSESpecification"]["KMSMasterKeyId"])
        if replica["Region"] == region and ":alias/" in declared:
            return declared if _key_of(resource, region, declared) == key_arn else key_arn
    return key_arn


def _key_of(resource: Deployed, region: str, alias: str) -> str:
    return str(resource.client("kms", region).describe_key(KeyId=alias)["KeyMetadata"]["Arn"])


@reads("AWS::SecretsManager::Secret", GenerateSecretString="is an instruction; its result is secret")
def secret(resource: Deployed) -> Properties:
    held = resource.client("secretsmanager").describe_secret(SecretId=resource.physical_id)
    replicas = [{"Region": one["Region"], "KmsKeyId": one.get("KmsKeyId")} for one in held.get("ReplicationStatus", [])]
    return {
        **renamed(held, Description="Description", KmsKeyId="KmsKeyId", Name="Name"),
        "ReplicaRegions": replicas,
        "Tags": own_tags(held.get("Tags", [])),
    }


@reads("AWS::SecretsManager::ResourcePolicy", BlockPublicPolicy="applies to one write only; no API returns it")
def secret_policy(resource: Deployed) -> Properties:
    name = resource.properties["SecretId"]
    answer = resource.client("secretsmanager").get_resource_policy(SecretId=name)
    return {"SecretId": name, "ResourcePolicy": json.loads(answer["ResourcePolicy"])}


@reads("AWS::SecretsManager::RotationSchedule", RotateImmediatelyOnUpdate="applies to one write only")
def rotation(resource: Deployed) -> Properties:
    name = resource.properties["SecretId"]
    held = resource.client("secretsmanager").describe_secret(SecretId=name)
    if not held.get("RotationEnabled"):
        raise GoneError(name)
    return {"SecretId": name, **renamed(held, RotationLambdaARN="RotationLambdaARN", RotationRules="RotationRules")}
