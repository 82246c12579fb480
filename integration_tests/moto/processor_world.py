"""Simulate both regions for the processor in moto: buckets, queues, tables, and what AWS does between them.

moto sends events without version ids, replicates nothing and polls no queue for a function. The world does these as AWS
does. This does not test permissions, encryption or throttling.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar, Final
from urllib.parse import quote_plus

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.s3.models import s3_backends

from handlers.processor import handler as processor
from handlers.processor.application import application, metrics, reconciler
from handlers.shared import schema

ACCOUNT: Final = "123456789012"
"""moto's default account."""
PRIMARY, SECONDARY = REGIONS = ("us-east-1", "us-west-2")
TABLE: Final = "serverless-ledger-prod"
MAXIMUM_RECEIVES: Final = 5
SHADOW_DELAY_SECONDS: Final = 1
SHADOW_MAXIMUM_AGE_SECONDS: Final = 3600
VARIABLES: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "ENVIRONMENT": "prod",
    "TABLE_NAME": TABLE,
    "SOURCE": "ingest",
    "PRIMARY_REGION": PRIMARY,
    "SECONDARY_REGION": SECONDARY,
    "MAXIMUM_OBJECT_BYTES": "1000000",
    "MAXIMUM_EXPANDED_BYTES": "2000000",
    "SHADOW_DELAY_SECONDS": str(SHADOW_DELAY_SECONDS),
    "SHADOW_MAXIMUM_AGE_SECONDS": str(SHADOW_MAXIMUM_AGE_SECONDS),
    "CONTROL_CACHE_SECONDS": "0",
    "ATTEMPT_RETENTION_DAYS": "30",
    "CANARY_RETENTION_DAYS": "20",
    "MAXIMUM_RECEIVES": str(MAXIMUM_RECEIVES),
}

Row = dict[str, Any]


def bucket(kind: str, region: str) -> str:
    """Return a bucket's name; `kind` is `ingest` or `archive`."""
    return f"serverless-{kind}-prod-{ACCOUNT}-{region}-an"


@dataclass(frozen=True)
class Put:
    """A version of an object."""

    key: str
    version_id: str
    body: bytes


@dataclass
class Invocation:
    """The outcome of one batch."""

    received: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Message ids that SQS delivers again."""
    crash: BaseException | None = None


class World:
    """Both regions with their resources."""

    _clients: ClassVar[dict[tuple[str, str], Any]] = {}
    """Of all tests, because a client has no state, moto answers it in each, and building it takes longer than most calls."""

    def __init__(self) -> None:
        self._queue_urls: dict[tuple[str, str], str] = {}
        self._region = ""
        for region in REGIONS:
            self._stand_up(region)

    # --- what AWS does ------------------------------------------------------------------------------------------

    def put(self, key: str, body: bytes, *, region: str = PRIMARY) -> Put:
        """Put an object, and send its event to the queue."""
        answer = self.client("s3", region).put_object(Bucket=bucket("ingest", region), Key=key, Body=body)
        put = Put(key, answer["VersionId"], body)
        self.announce(put, region=region)
        return put

    def replicate(self, put: Put, *, source: str = PRIMARY) -> None:
        """Copy an object to the other region with its version id, and send its event to that region's queue."""
        destination = other(source)
        name = bucket("ingest", destination)
        self.client("s3", destination).put_object(Bucket=name, Key=put.key, Body=put.body)
        newest = s3_backends[ACCOUNT]["aws"].buckets[name].keys.getlist(put.key)[-1]
        newest._version_id = put.version_id  # noqa: SLF001 - moto gives each version a new id; replication keeps it
        self.announce(put, region=destination)

    def deploy_newer(self, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:  # noqa: ANN401 - a pipeline's fields
        """Deploy the processor with another version of its code."""
        newer = replace(application(), processing_version="newer", **changes)
        monkeypatch.setattr("handlers.processor.handler.application", lambda: newer)

    def announce(self, put: Put, *, region: str = PRIMARY) -> None:
        """Send the event of an object, as S3 does, once or again."""
        self.send(json.dumps({"Records": [event_record(put, region)]}), region=region)

    def send(self, body: str, *, region: str = PRIMARY) -> None:
        """Send anything to the ingest queue."""
        self.client("sqs", region).send_message(QueueUrl=self.queue_url("ingest", region), MessageBody=body)

    def replicate_table(self, *, source: str = PRIMARY) -> None:
        """Do what a global table does."""
        here, there = _table(source), _table(other(source))
        for item in here.all_items():
            replica, row = there.get_item(item.hash_key, item.range_key), item.to_json()
            if replica is None or replica.to_json() != row:
                there.put_item(row["Attributes"])

    def invoke(self, region: str = PRIMARY, *, clock: Callable[[], float] = lambda: 300.0) -> Invocation:
        """Hand one batch to the function, and delete from the queue what it does not name as failed.

        Args:
            region: Whose queue and function.
            clock: The function's remaining seconds, one value a call.
        """
        self.enter(region)
        sqs, queue_url = self.client("sqs", region), self.queue_url("ingest", region)
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        invocation = Invocation(received=[_lambda_record(message, region) for message in messages])
        if not messages:
            return invocation
        context = _context(clock, region)
        try:
            response = processor.handler({"Records": invocation.received}, context)
        except BaseException as crash:  # noqa: BLE001 - what ends an execution environment is looked at by the test
            invocation.crash = crash
            application.cache_clear()
            self._region = ""
            invocation.failed = [message["MessageId"] for message in messages]
        else:
            invocation.failed = [one["itemIdentifier"] for one in response["batchItemFailures"]]
        for message in messages:
            receipt = {"QueueUrl": queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in invocation.failed:
                sqs.change_message_visibility(**receipt, VisibilityTimeout=0)  # as if it had run out
            else:
                sqs.delete_message(**receipt)
        return invocation

    def reconcile(self, region: str = PRIMARY, *, later: float = 3600.0) -> int:
        """Run the reconciler as its schedule does, after some seconds; return its number of findings."""
        self.enter(region)
        moved = SimpleNamespace(time=lambda: time.time() + later)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("handlers.processor.reconciler.time", moved)
            answer = processor.handler({"source": "aws.events"}, _context(lambda: 300.0, region))
        return int(answer["unreconciled"])

    def promote(self, region: str, epoch: int) -> None:
        """Write a region's claim, through that region only."""
        row = {
            "pk": {"S": schema.control_partition_key(region)},
            "sk": {"S": schema.ACTIVE},
            schema.EPOCH: {"N": str(epoch)},
        }
        self.client("dynamodb", region).put_item(TableName=TABLE, Item=row)

    def forget(self, region: str = PRIMARY) -> None:
        """Delete all rows and archived objects, so that a test sees only the next change."""
        table = _table(region)
        for item in list(table.all_items()):
            table.delete_item(item.hash_key, item.range_key)
        for key in self.archived(region):
            self.client("s3", region).delete_object(Bucket=bucket("archive", region), Key=key)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def items(self, region: str = PRIMARY) -> list[Row]:
        return [item.to_json()["Attributes"] for item in _table(region).all_items()]

    def effects(self, region: str = PRIMARY) -> list[Row]:
        """Return every row except the regions' notes about their own replicas, as attribute values."""
        return [item for item in self.items(region) if not item["sk"]["S"].startswith(schema.replica_sort_key(""))]

    def settled(self, region: str) -> list[Row]:
        """Return the rows that note that a region's own replica holds all of an object."""
        return [row for row in self.rows(region) if row["sk"] == schema.replica_sort_key(region) and schema.SETTLED in row]

    def rows(self, region: str = PRIMARY) -> list[Row]:
        deserialize = TypeDeserializer().deserialize
        return [{name: deserialize(value) for name, value in item.items()} for item in self.items(region)]

    def results(self, region: str = PRIMARY) -> dict[str, Row]:
        return {row["object_key"]: row for row in self.rows(region) if row["sk"] == schema.RESULT}

    def records(self, region: str = PRIMARY) -> dict[tuple[str, int], Row]:
        """Return the stored records, by object id and ordinal."""
        found = [row for row in self.rows(region) if row["pk"].startswith("REC#")]
        return {(row["object_id"], int(row["ordinal"])): row["record"] for row in found}

    def unfinished(self, region: str = PRIMARY) -> list[Row]:
        """Return the attempts that have begun and not ended."""
        return [row for row in self.rows(region) if row.get("state_hour", "").startswith(schema.UNFINISHED)]

    def archived(self, region: str = PRIMARY) -> dict[str, bytes]:
        s3, name = self.client("s3", region), bucket("archive", region)
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        return {key: s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}

    def depth(self, region: str = PRIMARY) -> dict[str, int]:
        """Return the number of messages in the ingest queue, by their state."""
        names = {"visible": "", "in flight": "NotVisible", "delayed": "Delayed"}
        attributes = self.client("sqs", region).get_queue_attributes(
            QueueUrl=self.queue_url("ingest", region), AttributeNames=["All"]
        )["Attributes"]
        return {name: int(attributes[f"ApproximateNumberOfMessages{suffix}"]) for name, suffix in names.items()}

    def dead_letters(self, region: str = PRIMARY) -> list[Row]:
        """Receive and delete the messages of the dead-letter queue."""
        answer = self.client("sqs", region).receive_message(
            QueueUrl=self.queue_url("dead-letter", region), MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))

    # --- plumbing -----------------------------------------------------------------------------------------------

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - clients of any service have no type in common
        """Return a cached client."""
        if (service, region) not in self._clients:
            create: Any = boto3.client
            self._clients[service, region] = create(service, region_name=region)
        return self._clients[service, region]

    def queue_url(self, kind: str, region: str) -> str:
        """Return a queue's URL; `kind` is `ingest` or `dead-letter`."""
        return self._queue_urls[kind, region]

    def enter(self, region: str) -> None:
        """Let the function run in a region; an execution environment knows one region only."""
        if self._region != region:
            self._region = region
            application.cache_clear()
            reconciler.cache_clear()
            os.environ.update(
                AWS_REGION=region,
                INGEST_BUCKET=bucket("ingest", region),
                ARCHIVE_BUCKET=bucket("archive", region),
                QUEUE_URL=self.queue_url("ingest", region),
                DEAD_LETTER_QUEUE_URL=self.queue_url("dead-letter", region),
            )

    def _stand_up(self, region: str) -> None:
        location = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3, sqs = self.client("s3", region), self.client("sqs", region)
        for kind in ("ingest", "archive"):
            s3.create_bucket(Bucket=bucket(kind, region), **location)
        s3.put_bucket_versioning(Bucket=bucket("ingest", region), VersioningConfiguration={"Status": "Enabled"})
        dead_letters = sqs.create_queue(QueueName="serverless-dead-letter-prod")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAXIMUM_RECEIVES})
        attributes = {"RedrivePolicy": redrive, "VisibilityTimeout": "1800"}
        ingest = sqs.create_queue(QueueName="serverless-ingest-prod", Attributes=attributes)["QueueUrl"]
        self._queue_urls |= {("dead-letter", region): dead_letters, ("ingest", region): ingest}
        names = ["pk", "sk", "file_key", "file_order", "state_hour", "state_order"]
        self.client("dynamodb", region).create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=_key_schema("pk", "sk"),
            GlobalSecondaryIndexes=[
                {"IndexName": name, "KeySchema": _key_schema(*keys), "Projection": {"ProjectionType": "ALL"}}
                for name, keys in {
                    schema.FILE_INDEX: ("file_key", "file_order"),
                    schema.STATE_INDEX: ("state_hour", "state_order"),
                }.items()
            ],
        )


@contextmanager
def environment() -> Iterator[None]:
    """Set the function's environment variables, all but those that `World.enter` sets."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        for name in ("AWS_REGION", "INGEST_BUCKET", "ARCHIVE_BUCKET", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
            patch.setenv(name, "")
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setattr(metrics.provider, "namespace", "Lockstep")
        yield
    application.cache_clear()
    reconciler.cache_clear()


def _table(region: str) -> Table:
    """Return moto's own table, because requests for single rows took a third of the tests' time."""
    return dynamodb_backends[ACCOUNT][region].tables[TABLE]


def other(region: str) -> str:
    return SECONDARY if region == PRIMARY else PRIMARY


def event_record(put: Put, region: str) -> Row:
    """Return S3's record of an object that was created."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": "2026-01-31T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket("ingest", region), "arn": f"arn:aws:s3:::{bucket('ingest', region)}"},
            "object": {"key": quote_plus(put.key, safe="/"), "size": len(put.body), "versionId": put.version_id},
        },
    }


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _lambda_record(message: Row, region: str) -> Row:
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]} for name, value in attributes.items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{region}:{ACCOUNT}:serverless-ingest-prod",
        "awsRegion": region,
    }


def _context(remaining: Callable[[], float], region: str) -> Any:  # noqa: ANN401 - a stand-in
    return SimpleNamespace(
        function_name="serverless-processor-prod",
        function_version="1",
        memory_limit_in_mb=1769,
        invoked_function_arn=f"arn:aws:lambda:{region}:{ACCOUNT}:function:serverless-processor-prod",
        aws_request_id="request-1",
        get_remaining_time_in_millis=lambda: int(remaining() * 1000),
    )
