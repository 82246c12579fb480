"""Test the cleanup: everything of the run is removed in both regions, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from integration_tests.e2e import cleanup
from integration_tests.e2e.cleanup import Made, clean_up, leftovers
from operations import dead_letters, target
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id
from operations.target import Mode
from unit_tests.e2e.targets import LIVE

_DIGEST = "0" * 64
_UPLOAD_KEY = f"{LIVE.upload_prefix}upload-1/{_DIGEST}/file.json"
_FOREIGN_KEYS = ("incoming/e2e/another-run/iris.json", "incoming/orders.csv", f"incoming/uploads/e2e/{LIVE.run_id}/x/y")


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A platform in moto: buckets, a replica of the table and queues in each region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # moto has one server, and an answer that comes at once leaves out none.
    monkeypatch.setattr(dead_letters, "_WAIT_SECONDS", dict.fromkeys(Mode, 0))
    with mock_aws():
        target._session.cache_clear()  # noqa: SLF001 - clients of another test are not moto's
        target._client.cache_clear()  # noqa: SLF001
        yield Deployment(LIVE, {region: _regional(region) for region in LIVE.regions}, data={}, failover={})
    target._session.cache_clear()  # noqa: SLF001
    target._client.cache_clear()  # noqa: SLF001


def _regional(region: str) -> dict[str, str]:
    s3, sqs = target._client(boto3.Session(), "s3", region, None), boto3.client("sqs", region_name=region)  # noqa: SLF001
    outputs = {"IngestBucketName": f"ingest-{region}", "ArchiveBucketName": f"archive-{region}", "TableName": "ledger"}
    for name in (outputs["IngestBucketName"], outputs["ArchiveBucketName"]):
        if region == "us-east-1":
            s3.create_bucket(Bucket=name)
        else:
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for name in ("IngestQueueUrl", "DeadLetterQueueUrl"):
        outputs[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    boto3.client("dynamodb", region_name=region).create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return outputs


def _put_object(deployment: Deployment, region: str, key: str, *, bucket: str = "ingest") -> str:
    answer = deployment.client("s3", region).put_object(Bucket=f"{bucket}-{region}", Key=key, Body=b"{}")
    return str(answer["VersionId"])


def _put_rows(deployment: Deployment, *keys: tuple[str, str]) -> None:
    for pk, sk in keys:
        for region in LIVE.regions:
            row = {"pk": {"S": pk}, "sk": {"S": sk}, "record": {"M": {}}}
            deployment.client("dynamodb", region).put_item(TableName="ledger", Item=row)


def _rows(deployment: Deployment, region: str) -> set[tuple[str, str]]:
    items = deployment.client("dynamodb", region).scan(TableName="ledger")["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]) for item in items}


def _keys(deployment: Deployment, region: str, bucket: str = "ingest") -> set[str]:
    versions = deployment.client("s3", region).list_object_versions(Bucket=f"{bucket}-{region}")
    return {one["Key"] for kind in ("Versions", "DeleteMarkers") for one in versions.get(kind, [])}


def test_all_of_the_run_goes_and_nothing_else(deployment: Deployment) -> None:
    primary, secondary = LIVE.regions
    key = f"{LIVE.object_prefix}iris.json"
    identity = object_id(key, _put_object(deployment, primary, key))
    _put_object(deployment, secondary, key)
    deployment.client("s3", secondary).delete_object(Bucket=f"ingest-{secondary}", Key=key)
    upload = object_id(_UPLOAD_KEY, _put_object(deployment, secondary, _UPLOAD_KEY))
    _put_object(deployment, primary, f"rejected/{identity}.ndjson", bucket="archive")
    foreign = ("OBJ#other", "RESULT"), ("REC#other#000000", "0"), (f"CLAIM#{LIVE.source}#other", f"UPLOAD#{primary}")
    for region in LIVE.regions:
        for one in _FOREIGN_KEYS:
            _put_object(deployment, region, one)
        _put_object(deployment, region, "rejected/other.ndjson", bucket="archive")
    _put_rows(
        deployment,
        *foreign,
        (f"OBJ#{identity}", "RESULT"),
        (f"OBJ#{identity}", f"ATTEMPT#{primary}"),
        (f"REC#{identity}#000000", "000000000000"),
        (f"REC#{identity}#000001", "000000001000"),
        (f"OBJ#{upload}", f"UPLOAD#{secondary}"),
        (f"CLAIM#{LIVE.source}#upload-1", f"UPLOAD#{secondary}"),
    )
    made = [Made(identity, 1500), Made(upload, upload_id="upload-1")]
    assert leftovers(deployment, made)

    done = clean_up(deployment, made)
    # moto's tables are not global: what was deleted in the primary is deleted here in the place of replication.
    replica = Ledger(deployment, secondary)
    replica.delete({"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in _rows(deployment, secondary) - set(foreign))

    assert leftovers(deployment, made) == []
    assert (done.object_versions, done.rows, done.kept) == (5, 6, [])
    for region in LIVE.regions:
        assert _rows(deployment, region) == set(foreign)
        assert _keys(deployment, region) == set(_FOREIGN_KEYS)
        assert _keys(deployment, region, "archive") == {"rejected/other.ndjson"}


def test_what_an_interrupted_run_had_not_noted_is_found_in_the_buckets(deployment: Deployment) -> None:
    key = f"{LIVE.object_prefix}half-way.json"
    identity = object_id(key, _put_object(deployment, LIVE.secondary, key))
    pages = [(f"REC#{identity}#{page:06d}", "0") for page in range(3)]
    _put_rows(deployment, (f"OBJ#{identity}", "RESULT"), *pages)
    done = clean_up(deployment, [])
    assert (done.object_versions, done.rows) == (1, 4)
    assert _rows(deployment, LIVE.primary) == set()


def test_parts_of_an_upload_that_was_not_completed_go(deployment: Deployment) -> None:
    region, target = deployment.target.primary, deployment.target
    s3, bucket = deployment.client("s3", region), deployment.ingest_bucket(region)
    for key in (f"{target.upload_prefix}id/sha/large", "incoming/uploads/other/id/sha/large"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    assert leftovers(deployment, []) == [f"s3://{bucket}/{target.upload_prefix}id/sha/large: parts of an upload"]
    clean_up(deployment, [])
    assert leftovers(deployment, []) == []
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [
        "incoming/uploads/other/id/sha/large"
    ]


def test_only_letters_about_the_runs_own_objects_go(deployment: Deployment) -> None:
    sqs, url = deployment.client("sqs", LIVE.primary), deployment.regional[LIVE.primary]["DeadLetterQueueUrl"]
    for key in (f"{LIVE.object_prefix}broken.json", *_FOREIGN_KEYS):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Records": [{"s3": {"object": {"key": key}}}]}))
    sqs.send_message(QueueUrl=url, MessageBody="no event")
    assert clean_up(deployment, []).letters == 1
    held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert held["ApproximateNumberOfMessages"] == str(len(_FOREIGN_KEYS) + 1)


def test_queue_that_does_not_become_empty_is_reported(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "wait_until", lambda _, holds: holds())
    assert clean_up(deployment, []).waiting == []
    sqs, url = deployment.client("sqs", LIVE.secondary), deployment.regional[LIVE.secondary]["IngestQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="nobody acknowledges it")
    (waiting,) = clean_up(deployment, []).waiting
    assert waiting.startswith(f"{LIVE.secondary}: ")


def test_object_under_object_lock_is_reported_and_kept(deployment: Deployment) -> None:
    s3 = deployment.client("s3", LIVE.primary)
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 10}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=configuration)
    deployment.regional[LIVE.primary]["ArchiveBucketName"] = "locked"
    key = f"{LIVE.object_prefix}broken.json"
    identity = object_id(key, _put_object(deployment, LIVE.primary, key))
    s3.put_object(Bucket="locked", Key=f"quarantined/{identity}.json", Body=b"{}")
    done = clean_up(deployment, [Made(identity)])
    (kept,) = done.kept
    assert kept.startswith(f"s3://locked/quarantined/{identity}.json (Object Lock until ")
    assert leftovers(deployment, [Made(identity)]) == []
