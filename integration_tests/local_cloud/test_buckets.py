"""Test buckets: names, properties that are read back, replication, and the permissions of both."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import Stack, allow, deploy, key, role, until, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud import LocalCloud


def bucket(prefix: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    return cfn.resource("S3::Bucket", BucketNamePrefix=prefix, BucketNamespace="account-regional", **properties)


def encrypted(key_id: Any) -> dict[str, Any]:  # noqa: ANN401  an id or an intrinsic function
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
    rule = {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}}


def test_account_regional_bucket_gets_the_name_that_aws_builds(cloud: LocalCloud) -> None:
    stack = deploy(
        cloud,
        {"Bucket": bucket("named")},
        {
            "Ref": cfn.ref("Bucket"),
            "Arn": cfn.att("Bucket"),
            "Regional": cfn.att("Bucket", "RegionalDomainName"),
        },
        region="us-west-2",
    )
    name = "named-000000000000-us-west-2-an"
    assert stack.outputs() == {
        "Ref": name,
        "Arn": f"arn:aws:s3:::{name}",
        "Regional": f"{name}.s3.us-west-2.amazonaws.com",
    }
    assert cloud.client("s3", "us-west-2").head_bucket(Bucket=name)["BucketRegion"] == "us-west-2"


def test_bucket_prefix_too_long_fails_the_stack(cloud: LocalCloud) -> None:
    with pytest.raises(AssertionError, match="at most 63"):
        deploy(cloud, {"Bucket": bucket("x" * 38)})


def test_bucket_properties_are_read_back_and_can_be_removed(cloud: LocalCloud) -> None:
    rich = bucket(
        "rich",
        **encrypted(cfn.att("Key")),
        VersioningConfiguration={"Status": "Enabled"},
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        LoggingConfiguration={"DestinationBucketName": cfn.ref("Logs"), "LogFilePrefix": "rich/"},
        LifecycleConfiguration={
            "Rules": [
                {
                    "Id": "tidy",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
                    "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}],
                    "ExpirationInDays": 365,
                }
            ]
        },
        Tags=[{"Key": "Owner", "Value": "team"}],
    )
    resources = {"Key": key(), "Logs": bucket("rich-logs"), "Bucket": rich}
    stack = deploy(cloud, resources)
    s3, name = stack.client("s3"), stack["Bucket"]

    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"].endswith(stack["Key"])
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"] == {
        "TargetBucket": stack["Logs"],
        "TargetPrefix": "rich/",
    }
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2}
    assert lifecycle["Transitions"] == [{"StorageClass": "STANDARD_IA", "Days": 30}]
    assert lifecycle["Expiration"] == {"Days": 365}
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "Owner", "Value": "team"}]

    stack.update({**resources, "Bucket": bucket("rich")})
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    for gone in (s3.get_bucket_lifecycle_configuration, s3.get_bucket_tagging):
        with pytest.raises(ClientError):
            gone(Bucket=name)


def test_object_lock_holds_a_version_until_its_time(cloud: LocalCloud) -> None:
    retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": "1"}}
    locked = bucket(
        "locked",
        ObjectLockEnabled=True,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention},
    )
    stack = deploy(cloud, {"Bucket": locked})
    s3, name = stack.client("s3"), stack["Bucket"]
    version = s3.put_object(Bucket=name, Key="log", Body=b"kept")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=name, Key="log", VersionId=version)


class Pair:
    """Two buckets in two regions; the first replicates `incoming/` to the second, which sends events to a queue."""

    def __init__(self, source: Stack, destination: Stack) -> None:
        self.source, self.destination = source, destination
        self.source_bucket, self.destination_bucket = source["Bucket"], destination["Bucket"]

    def put(self, name: str, body: bytes = b"content") -> str:
        """Write an object to the source; return its version id."""
        answer = self.source.client("s3").put_object(Bucket=self.source_bucket, Key=name, Body=body)
        version: str = answer["VersionId"]
        return version

    def arrived(self, name: str, version: str) -> dict[str, Any] | None:
        """Return HeadObject's answer for the version in the destination; None without the version."""
        try:
            head: dict[str, Any] = self.destination.client("s3").head_object(
                Bucket=self.destination_bucket, Key=name, VersionId=version
            )
        except ClientError:
            return None
        return head

    def status(self, name: str) -> str:
        head = self.source.client("s3").head_object(Bucket=self.source_bucket, Key=name)
        return str(head.get("ReplicationStatus"))

    def events(self) -> list[dict[str, Any]]:
        """Receive and delete the S3 events in the destination's queue."""
        sqs = self.destination.client("sqs")
        messages = sqs.receive_message(QueueUrl=self.destination["Queue"], MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=self.destination["Queue"], ReceiptHandle=message["ReceiptHandle"])
        return [record for message in messages for record in json.loads(message["Body"]).get("Records", [])]


@pytest.fixture(scope="module")
def pair(cloud: LocalCloud) -> Pair:
    destination = deploy(cloud, _destination(), region="us-west-2")
    source = deploy(cloud, _source(destination))
    # The test event that S3 sends when a notification is configured.
    until(lambda: Pair(source, destination).events(), seconds=0.2)
    return Pair(source, destination)


def _destination() -> dict[str, Any]:
    event = {"Event": "s3:ObjectCreated:*", "Queue": cfn.att("Queue")}
    incoming = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}}
    properties = bucket(
        "replica",
        **encrypted(cfn.ref("Key")),
        VersioningConfiguration={"Status": "Enabled"},
        NotificationConfiguration={"QueueConfigurations": [{**event, "Filter": incoming}]},
    )["Properties"]
    return {
        "Key": key(cfn.ROOT),
        "Alias": cfn.resource("KMS::Alias", AliasName="alias/replica", TargetKeyId=cfn.ref("Key")),
        "Queue": cfn.resource("SQS::Queue"),
        **cfn.notifying(**properties),
    }


def _source(destination: Stack) -> dict[str, Any]:
    copy = [
        allow("s3:GetObjectVersionForReplication", "s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"),
        allow("kms:Decrypt", "kms:Encrypt"),
    ]
    rule = {
        "Id": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": "incoming/"},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "SourceSelectionCriteria": {
            "SseKmsEncryptedObjects": {"Status": "Enabled"},
            "ReplicaModifications": {"Status": "Enabled"},
        },
        "Destination": {
            "Bucket": f"arn:aws:s3:::{destination['Bucket']}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-west-2:000000000000:alias/replica"},
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
        },
    }
    return {
        "Key": key(cfn.ROOT),
        "Role": role("s3.amazonaws.com", *copy),
        "Bucket": bucket(
            "source",
            **encrypted(cfn.att("Key")),
            VersioningConfiguration={"Status": "Enabled"},
            ReplicationConfiguration={"Role": cfn.att("Role"), "Rules": [rule]},
        ),
    }


def test_replica_has_the_sources_version_and_its_own_regions_key(pair: Pair) -> None:
    version = pair.put("incoming/a")
    replica = until(lambda: pair.arrived("incoming/a", version))
    assert replica is not None
    assert replica["ReplicationStatus"] == "REPLICA"
    assert ":us-west-2:" in replica["SSEKMSKeyId"]
    source = pair.source.client("s3").head_object(Bucket=pair.source_bucket, Key="incoming/a")
    assert replica["ETag"] != source["ETag"]
    assert until(lambda: pair.status("incoming/a") == "COMPLETED")
    read = pair.destination.client("s3").get_object(Bucket=pair.destination_bucket, Key="incoming/a")
    assert read["Body"].read() == b"content"
    assert read["VersionId"] == version


def test_replica_fires_the_destinations_event_with_its_version(pair: Pair) -> None:
    version = pair.put("incoming/event")
    seen: list[dict[str, Any]] = []

    def mine() -> list[dict[str, Any]]:
        seen.extend(pair.events())
        return [record for record in seen if record["s3"]["object"]["key"] == "incoming/event"]

    events = until(mine)
    assert [event["s3"]["object"]["versionId"] for event in events] == [version]
    assert events[0]["s3"]["bucket"]["name"] == pair.destination_bucket
    assert events[0]["awsRegion"] == "us-west-2"


def test_object_outside_the_rules_prefix_is_not_replicated(pair: Pair) -> None:
    outside, inside = pair.put("elsewhere/a"), pair.put("incoming/after")
    assert until(lambda: pair.arrived("incoming/after", inside))
    assert pair.arrived("elsewhere/a", outside) is None
    assert pair.status("elsewhere/a") == "None"


def test_delete_marker_replicates_and_a_deleted_version_does_not(pair: Pair) -> None:
    version = pair.put("incoming/gone")
    assert until(lambda: pair.arrived("incoming/gone", version))
    marker = pair.source.client("s3").delete_object(Bucket=pair.source_bucket, Key="incoming/gone")["VersionId"]
    remote = pair.destination.client("s3")

    def markers() -> list[str]:
        listed = remote.list_object_versions(Bucket=pair.destination_bucket, Prefix="incoming/gone")
        return [entry["VersionId"] for entry in listed.get("DeleteMarkers", [])]

    assert until(markers) == [marker]
    pair.source.client("s3").delete_object(Bucket=pair.source_bucket, Key="incoming/gone", VersionId=version)
    assert pair.arrived("incoming/gone", version)


def test_lag_delays_a_replica(cloud: LocalCloud, pair: Pair) -> None:
    cloud.set_replication_lag(0.8)
    try:
        version = pair.put("incoming/late")
        assert not until(lambda: pair.arrived("incoming/late", version), seconds=0.4)
        assert until(lambda: pair.arrived("incoming/late", version))
    finally:
        cloud.set_replication_lag(0.05)


def test_replication_is_measured_in_the_destinations_region(cloud: LocalCloud, pair: Pair) -> None:
    cloud.partition(cut=True)
    try:
        pair.put("incoming/measured", b"12345")

        dimensions = {
            "SourceBucket": pair.source_bucket,
            "DestinationBucket": pair.destination_bucket,
            "RuleId": "all",
        }

        def pending(region: str) -> float:
            client = cloud.client("cloudwatch", region)
            return max(values(client, "AWS/S3", "BytesPendingReplication", "Maximum", **dimensions), default=0.0)

        assert until(lambda: pending("us-west-2") >= 5)
        assert pending("us-east-1") == 0
    finally:
        cloud.partition(cut=False)


def test_replication_fails_without_its_roles_permission(cloud: LocalCloud, pair: Pair) -> None:
    iam, name = cloud.client("iam"), pair.source["Role"]
    policy = iam.get_role_policy(RoleName=name, PolicyName="allowed")["PolicyDocument"]
    less = {**policy, "Statement": [policy["Statement"][0]]}
    iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=json.dumps(less))
    try:
        version = pair.put("incoming/denied")
        assert until(lambda: pair.status("incoming/denied") == "FAILED")
        assert pair.arrived("incoming/denied", version) is None
    finally:
        iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=json.dumps(policy))


def test_replication_fails_where_the_destinations_key_refuses_its_role(pair: Pair) -> None:
    kms, name = pair.destination.client("kms"), pair.destination["Key"]
    policy = kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]
    administration = {"Version": "2012-10-17", "Statement": json.loads(policy)["Statement"][:1]}
    kms.put_key_policy(KeyId=name, PolicyName="default", Policy=json.dumps(administration))
    try:
        version = pair.put("incoming/sealed-off")
        assert until(lambda: pair.status("incoming/sealed-off") == "FAILED")
        assert pair.arrived("incoming/sealed-off", version) is None
    finally:
        kms.put_key_policy(KeyId=name, PolicyName="default", Policy=policy)
    again = pair.put("incoming/sealed-off")
    assert until(lambda: pair.arrived("incoming/sealed-off", again))


def test_replication_configuration_is_read_back_completely(pair: Pair) -> None:
    rule = pair.source.client("s3").get_bucket_replication(Bucket=pair.source_bucket)["ReplicationConfiguration"]["Rules"][0]
    assert rule["Destination"]["ReplicationTime"] == {"Status": "Enabled", "Time": {"Minutes": 15}}
    assert rule["Destination"]["EncryptionConfiguration"]["ReplicaKmsKeyID"].endswith("alias/replica")
    assert rule["SourceSelectionCriteria"]["ReplicaModifications"] == {"Status": "Enabled"}
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}


def test_key_policy_without_the_caller_denies_the_object(cloud: LocalCloud) -> None:
    resources = {
        "Reader": role("lambda.amazonaws.com", allow("s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey")),
        "Key": key(),
        "Bucket": bucket("sealed", **encrypted(cfn.att("Key"))),
    }
    stack = deploy(cloud, resources)
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="a", Body=b"secret")
    reader = stack.assume("Reader", "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_object(Bucket=stack["Bucket"], Key="a")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_object(Bucket=stack["Bucket"], Key="b", Body=b"x")

    stack.update({**resources, "Key": key(cfn.att("Reader"))})
    assert reader.get_object(Bucket=stack["Bucket"], Key="a")["Body"].read() == b"secret"
    reader.put_object(Bucket=stack["Bucket"], Key="b", Body=b"x")


def test_range_of_a_version_is_its_bytes_or_refused(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Bucket": bucket("ranged", VersioningConfiguration={"Status": "Enabled"})})
    s3, name = stack.client("s3"), stack["Bucket"]
    version = s3.put_object(Bucket=name, Key="a", Body=b"second")["VersionId"]
    part = s3.get_object(Bucket=name, Key="a", VersionId=version, Range="bytes=1-3")
    assert (part["Body"].read(), part["ContentRange"]) == (b"eco", "bytes 1-3/6")
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket=name, Key="a", VersionId=version, Range="bytes=6-")


def test_missing_object_is_a_404_only_for_who_may_list_the_bucket(cloud: LocalCloud) -> None:
    reads = allow("s3:GetObject", "s3:GetObjectVersion")
    arn = cfn.att("Bucket")
    under_a_prefix = {**allow("s3:ListBucket", resource=arn), "Condition": {"StringLike": {"s3:prefix": "*"}}}
    roles = {
        "Reader": role("lambda.amazonaws.com", reads),
        "Prefixed": role("lambda.amazonaws.com", reads, under_a_prefix),
        "Lister": role("lambda.amazonaws.com", reads, allow("s3:ListBucket", resource=arn)),
    }
    versioned = bucket("lacking", VersioningConfiguration={"Status": "Enabled"})
    stack = deploy(cloud, {"Bucket": versioned, **roles})
    s3, name = stack.client("s3"), stack["Bucket"]
    there, gone = (s3.put_object(Bucket=name, Key="a", Body=b"x")["VersionId"] for _ in range(2))
    s3.delete_object(Bucket=name, Key="a", VersionId=gone)

    def answers(who: str) -> list[str]:
        client = stack.assume(who, "s3")
        assert client.get_object(Bucket=name, Key="a", VersionId=there)["Body"].read() == b"x"
        wanted: list[dict[str, str]] = [{"Key": "none"}, {"Key": "a", "VersionId": gone}]
        calls = [(call, one) for one in wanted for call in (client.get_object, client.head_object)]
        return [_refusal(partial(call, Bucket=name, **one)) for call, one in calls]

    assert answers("Reader") == answers("Prefixed") == ["AccessDenied", "403"] * 2
    assert answers("Lister") == ["NoSuchKey", "404", "NoSuchVersion", "404"]


def _refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_bucket_with_objects_cannot_be_deleted(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Bucket": bucket("full")})
    stack.client("s3").put_object(Bucket=stack["Bucket"], Key="a", Body=b"x")
    with pytest.raises(AssertionError, match="BucketNotEmpty"):
        stack.delete()
    stack.client("s3").delete_object(Bucket=stack["Bucket"], Key="a")
    stack.delete()


def test_key_of_an_object_is_returned_as_its_arn(cloud: LocalCloud) -> None:
    resources = {
        "Key": key(),
        "Alias": cfn.resource("KMS::Alias", AliasName="alias/objects", TargetKeyId=cfn.ref("Key")),
        "Bucket": {**bucket("keyed", **encrypted("alias/objects")), "DependsOn": "Alias"},
    }
    stack = deploy(cloud, resources, {"Key": cfn.att("Key")})
    s3, name, arn = stack.client("s3"), stack["Bucket"], stack.outputs()["Key"]
    by_default = s3.put_object(Bucket=name, Key="default", Body=b"x")
    assert (by_default["SSEKMSKeyId"], by_default["BucketKeyEnabled"]) == (arn, True)
    assert s3.head_object(Bucket=name, Key="default")["SSEKMSKeyId"] == arn
    managed = s3.put_object(Bucket=name, Key="managed", Body=b"x", ServerSideEncryption="aws:kms")
    assert managed["SSEKMSKeyId"] == "arn:aws:kms:us-east-1:000000000000:alias/aws/s3"
    with pytest.raises(ClientError, match=r"KMS\.NotFound"):
        s3.put_object(Bucket=name, Key="x", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/none")


def bucket_policy(statement: dict[str, Any]) -> dict[str, Any]:
    document = cfn.policy_document(statement)
    return cfn.resource("S3::BucketPolicy", Bucket=cfn.ref("Bucket"), PolicyDocument=document)


def test_policy_that_requires_tls_allows_loopback(cloud: LocalCloud) -> None:
    arns = [cfn.att("Bucket"), {"Fn::Sub": "${Bucket.Arn}/*"}]
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": arns, "Condition": insecure}
    resources = {
        "Reader": role("lambda.amazonaws.com", allow("s3:ListBucket")),
        "Bucket": bucket("tls"),
        "Policy": bucket_policy(deny),
    }
    stack = deploy(cloud, resources)
    reader = stack.assume("Reader", "s3")
    assert reader.list_objects_v2(Bucket=stack["Bucket"])["KeyCount"] == 0


def test_policy_that_denies_all_but_services_denies_a_role(cloud: LocalCloud) -> None:
    another = {"Null": {"s3:x-amz-server-side-encryption": "false"}, "Bool": {"aws:PrincipalIsAWSService": "false"}}
    arn = {"Fn::Sub": "${Bucket.Arn}/*"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": arn, "Condition": another}
    resources = {
        "Bucket": cfn.resource("S3::Bucket"),
        "Writer": role("lambda.amazonaws.com", allow("s3:PutObject")),
        "Policy": bucket_policy(deny),
    }
    stack = deploy(cloud, resources)
    writer = stack.assume("Writer", "s3")
    writer.put_object(Bucket=stack["Bucket"], Key="a", Body=b"a")
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.put_object(Bucket=stack["Bucket"], Key="b", Body=b"b", ServerSideEncryption="AES256")


def test_reserved_prefix_put_by_a_stranger_is_denied(cloud: LocalCloud) -> None:
    reserved = {"Fn::Sub": "${Bucket.Arn}/reserved/*"}
    but_one = {"ArnNotEquals": {"aws:PrincipalArn": cfn.att("Issuer")}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": reserved, "Condition": but_one}
    resources = {
        "Bucket": cfn.resource("S3::Bucket"),
        "Issuer": role("lambda.amazonaws.com", allow("s3:PutObject")),
        # Whatever its own policy allows.
        "Stranger": role("lambda.amazonaws.com", allow("*")),
        "Policy": bucket_policy(deny),
    }
    stack = deploy(cloud, resources)
    issuer, stranger = (stack.assume(name, "s3") for name in ("Issuer", "Stranger"))
    bucket_name = stack["Bucket"]
    issuer.put_object(Bucket=bucket_name, Key="reserved/a", Body=b"a")
    stranger.put_object(Bucket=bucket_name, Key="other/a", Body=b"a")
    copy = {"Bucket": bucket_name, "Key": "other/a"}
    attempts: list[Callable[[], object]] = [
        lambda: stranger.put_object(Bucket=bucket_name, Key="reserved/a", Body=b"x"),
        lambda: stranger.copy_object(Bucket=bucket_name, Key="reserved/x", CopySource=copy),
        lambda: stranger.create_multipart_upload(Bucket=bucket_name, Key="reserved/x"),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
