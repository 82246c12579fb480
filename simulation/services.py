"""Clients of the simulated services, with botocore's interface: the operations and arguments that the handlers use."""

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from simulation.cloudwatch import CloudWatchClient
from simulation.expressions import Item, changed, matches, projected, split_key_condition, updated
from simulation.http_api import presigned_put
from simulation.regions import INDEXES, Key, Multipart, Queued, Region
from simulation.secrets_manager import SecretsManagerClient
from simulation.world import ACCOUNT, ServiceClient, World, refusal

_BATCH_ITEMS: Final = 25
_PAGE_BYTES: Final = 1024 * 1024
_PAGE_ITEMS: Final = 10_000
"""Maximum items in a page of small rows; AWS's limit of 1 MB would hold more."""


class ConditionalCheckFailedException(ClientError):  # noqa: N818 - AWS's name
    """The exception in a client's `exceptions`."""


class NoSuchUpload(ClientError):  # noqa: N818 - AWS's name
    """The exception in a client's `exceptions`."""


class DynamoDbClient(ServiceClient):
    """A client of one region's replica."""

    service = "dynamodb"

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedException)

    def __init__(self, world: World, region: Region) -> None:
        super().__init__(world, region)
        self.meta = SimpleNamespace(
            endpoint_url="https://dynamodb",
            region_name=region.name,
            config=SimpleNamespace(user_agent="simulated"),
            events=SimpleNamespace(emit_until_response=self._answer),
        )
        self._request_signer = SimpleNamespace(sign=lambda *_: None)

    def _answer(self, _event: str, *, request: Any) -> tuple[None, SimpleNamespace]:  # noqa: ANN401 - botocore's
        """Answer a BatchWriteItem request, which the processor serializes itself and sends through botocore's events."""
        try:
            answer = self.batch_write_item(**json.loads(request.body))
        except ClientError as error:
            return None, SimpleNamespace(status_code=error.response["ResponseMetadata"]["HTTPStatusCode"], content=b"")
        return None, SimpleNamespace(status_code=200, content=json.dumps(answer, separators=(",", ":")).encode())

    def get_item(self, *, Key: dict[str, Any], **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See GetItem."""
        key = _key(Key)

        def read() -> dict[str, Any]:
            item = self._visible(key, consistent=bool(request.get("ConsistentRead")))
            return {} if item is None else {"Item": dict(item)}

        return self._call("GetItem", read, _text(key))

    def put_item(self, *, Item: Item, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See PutItem."""
        key = _key(Item)

        def write() -> dict[str, Any]:
            self._check("PutItem", key, request)
            self._world.write_item(self._region, key, dict(Item))
            self._note("PutItem", f"{_text(key)} is written")
            return {}

        return self._call("PutItem", write, _text(key))

    def delete_item(self, *, Key: dict[str, Any], **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See DeleteItem."""
        key = _key(Key)

        def write() -> dict[str, Any]:
            self._check("DeleteItem", key, request)
            self._world.write_item(self._region, key, None)
            self._note("DeleteItem", f"{_text(key)} is deleted")
            return {}

        return self._call("DeleteItem", write, _text(key))

    def update_item(self, *, Key: dict[str, Any], UpdateExpression: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See UpdateItem."""
        key = _key(Key)

        def write() -> dict[str, Any]:
            self._check("UpdateItem", key, request)
            held = self._region.item(*key) or dict(Key)
            names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
            item = updated(UpdateExpression, held, names, values)
            self._world.write_item(self._region, key, item)
            self._note("UpdateItem", f"{_text(key)} is written")
            if request.get("ReturnValues") != "UPDATED_NEW":
                return {}
            return {"Attributes": {name: item[name] for name in changed(UpdateExpression, names) if name in item}}

        return self._call("UpdateItem", write, _text(key))

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]], **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See BatchWriteItem: each item is written or stays unprocessed independently."""
        ((table, puts),) = RequestItems.items()
        if len(puts) > _BATCH_ITEMS:
            raise refusal("BatchWriteItem", "ValidationException", "Too many items requested", 400)
        keys = [_key(put["PutRequest"]["Item"] if "PutRequest" in put else put["DeleteRequest"]["Key"]) for put in puts]
        if len(set(keys)) != len(keys):
            raise refusal("BatchWriteItem", "ValidationException", "Provided list of item keys contains duplicates", 400)

        def write() -> dict[str, Any]:
            if self._world.now < self._region.full_until:
                self._note("BatchWriteItem", f"{keys[0][0]}: no item is written, the table's limit is reached")
                return {"UnprocessedItems": {table: puts}}
            self._region.full_until = self._world.now + self._world.plan.pace
            left: list[Any] = []
            partly, self._world.unprocessed = self._world.unprocessed, False
            for put, key in zip(puts, keys, strict=True):
                if partly and self._world.chance.happens(0.5, "unprocessed", *key, self._world.now):
                    left.append(put)
                    continue
                item = dict(put["PutRequest"]["Item"]) if "PutRequest" in put else None
                self._world.write_item(self._region, key, item)
            self._note("BatchWriteItem", f"{keys[0][0]}: {len(puts) - len(left)} of {len(puts)} items are written")
            return {"UnprocessedItems": {table: left} if left else {}}

        return self._call("BatchWriteItem", write, keys[0][0])

    def query(self, *, KeyConditionExpression: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's name
        """See Query."""
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})

        def read() -> dict[str, Any]:
            index = request.get("IndexName")
            name, value, rest = split_key_condition(KeyConditionExpression)
            held = INDEXES[index][0] if index else "pk"
            if names.get(name, name) != held:
                raise refusal("Query", "ValidationException", f"Query condition missed key schema element: {held}", 400)
            partition_key = values[value]["S"]
            most = self._world.plan.page if index or partition_key.startswith("REC#") else _PAGE_ITEMS
            if not (index or rest) and request.get("ScanIndexForward", True):
                return self._first_page(partition_key, request, names, values, most=most)
            if index:
                items = self._region.of_index(index, partition_key)
            else:
                items = self._of_partition(partition_key, consistent=bool(request.get("ConsistentRead")))
            if rest:
                items = [item for item in items if matches(rest, item, names, values)]
            if not request.get("ScanIndexForward", True):
                items.reverse()
            return _page(items, request, names, values, most=most)

        return self._call("Query", read, str(next(iter(values.values()), "")))

    def scan(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's arguments
        """See Scan; in order of keys, whereas AWS's order is its own."""

        def read() -> dict[str, Any]:
            items = [self._region.item(*key) for key in sorted(self._region.table)]
            names = request.get("ExpressionAttributeNames", {})
            held = [item for item in items if item is not None]
            return _page(held, request, names, {}, most=5 * self._world.plan.page)

        return self._call("Scan", read, request["TableName"])

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401 - of botocore's paginator, `paginate` is used
        """Return the paginator of Query."""
        if operation != "query":
            raise NotImplementedError(f"the simulated DynamoDB does not page {operation!r}")

        def paginate(**request: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - Query's
            size = request.pop("PaginationConfig", {}).get("PageSize")
            request |= {"Limit": size} if size else {}
            while True:
                answer = self.query(**request)
                yield answer
                if "LastEvaluatedKey" not in answer:
                    return
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

        return SimpleNamespace(paginate=paginate)

    def _first_page(self, pk: str, request: dict[str, Any], *given: Any, most: int) -> dict[str, Any]:  # noqa: ANN401
        """Return a page of a partition key's items, and look at no other item: each draw is keyed, so the order is free."""
        sort_keys, consistent = self._region.partitions.get(pk, []), bool(request.get("ConsistentRead"))
        start = request.get("ExclusiveStartKey")
        if start is not None:
            sort_keys = sort_keys[bisect_right(sort_keys, start["sk"]["S"]) :]
        limit, items = min(request.get("Limit", most), most), list[Item]()
        for sk in sort_keys:
            item = self._visible((pk, sk), consistent=consistent)
            if item is not None:
                items.append(item)
                if len(items) > limit:  # the page ends here
                    break
        return _page(
            items, {name: value for name, value in request.items() if name != "ExclusiveStartKey"}, *given, most=most
        )

    def _of_partition(self, pk: str, *, consistent: bool) -> list[Item]:
        found = [self._visible((pk, sk), consistent=consistent) for sk in self._region.partitions.get(pk, ())]
        return [item for item in found if item is not None]

    def _visible(self, key: Key, *, consistent: bool) -> Item | None:
        entry = self._region.table.get(key)
        if entry is None:
            return None
        world = self._world
        if (
            not consistent
            and world.now - entry.written_at < 1.0
            and world.chance.happens(0.2, "stale", self._region.name, *key, world.now)
        ):
            return entry.before
        return entry.item

    def _check(self, operation: str, key: Key, request: dict[str, Any]) -> None:
        condition = request.get("ConditionExpression")
        if condition is None:
            return
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        if not matches(condition, self._region.item(*key) or {}, names, values):
            self._note(operation, f"{_text(key)}: the condition is not met")
            answer: Any = {
                "Error": {"Code": "ConditionalCheckFailedException", "Message": "The conditional request failed"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ConditionalCheckFailedException(answer, operation)


class S3Client(ServiceClient):
    """A client of one region's buckets."""

    service = "s3"
    exceptions = SimpleNamespace(NoSuchUpload=NoSuchUpload)

    def get_object(self, *, Bucket: str, Key: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See GetObject."""

        def recall() -> dict[str, Any]:
            if Key not in self._region.archive:
                raise refusal("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
            self._note("GetObject", f"{Key} is read from the archive")
            return {"Body": _Body(self._region.archive[Key])}

        def read() -> dict[str, Any]:
            version = self._region.ingest.get((Key, request["VersionId"]))
            if version is None:
                self._note("GetObject", f"{Key}: no such version")
                raise refusal("GetObject", "NoSuchVersion", "The specified version does not exist.", 404)
            self._note("GetObject", f"{Key} is read")
            body = version.body[int(request.get("Range", "bytes=0-")[6:-1]) :]
            return {
                "Body": _Body(body),
                "ContentLength": len(body),
                "LastModified": datetime.fromtimestamp(int(version.created_at), UTC),
                "VersionId": version.version_id,
            }

        return self._call("GetObject", recall if Bucket == "archive" else read, Key)

    def head_object(self, *, Bucket: str, Key: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See HeadObject."""

        def read() -> dict[str, Any]:
            found = self._versions(Key)
            wanted = [one for one in found if one.version_id == request.get("VersionId", one.version_id)]
            if not wanted:
                raise refusal("HeadObject", "404", "Not Found", 404)
            newest = wanted[-1]
            answer = {"ContentLength": len(newest.body), "VersionId": newest.version_id}
            return answer | ({"ReplicationStatus": newest.replication} if newest.replication else {})

        return self._call("HeadObject", read, Key)

    def list_object_versions(self, *, Bucket: str, Prefix: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See ListObjectVersions: by key, newest first; both markers are exclusive."""

        def read() -> dict[str, Any]:
            found = [one for one in self._region.ingest.values() if one.key.startswith(Prefix)]
            found.sort(key=lambda one: (one.created_at, one.version_id), reverse=True)
            found.sort(key=lambda one: one.key)
            marker, version_id = request.get("KeyMarker", ""), request.get("VersionIdMarker", "")
            versions = [(one.key, one.version_id) for one in found]
            if version_id:
                found = found[versions.index((marker, version_id)) + 1 :]
            else:
                found = [one for one in found if one.key > marker]
            page = found[: min(request.get("MaxKeys", 1000), self._world.plan.page)]  # S3 may return fewer
            listed = [
                {
                    "Key": one.key,
                    "VersionId": one.version_id,
                    "IsLatest": False,
                    "LastModified": datetime.fromtimestamp(int(one.created_at), UTC),
                }
                for one in page
            ]
            is_truncated = len(page) < len(found)
            markers = {"NextKeyMarker": page[-1].key, "NextVersionIdMarker": page[-1].version_id} if is_truncated else {}
            return {"Versions": listed, "IsTruncated": is_truncated, **markers}

        return self._call("ListObjectVersions", read, Prefix)

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401 - of botocore's paginator, `paginate` is used
        """Return the paginator of ListObjectVersions, or one with a single page."""
        whole: dict[str, Callable[..., dict[str, Any]]] = {
            "list_multipart_uploads": self._multipart_uploads,
            "list_parts": self._parts,
        }
        if page := whole.get(operation):
            return SimpleNamespace(paginate=lambda **request: iter([page(**request)]))
        if operation != "list_object_versions":
            raise NotImplementedError(f"the simulated S3 does not page {operation!r}")

        def paginate(**request: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - ListObjectVersions'
            while True:
                answer = self.list_object_versions(**request)
                yield answer
                if not answer["IsTruncated"]:
                    return
                request |= {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer["NextVersionIdMarker"]}

        return SimpleNamespace(paginate=paginate)

    def create_multipart_upload(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's names
        """See CreateMultipartUpload."""

        def write() -> dict[str, Any]:
            upload_id = f"multipart-{self._world.number():06d}"
            self._region.multiparts[upload_id] = Multipart(Key, int(self._world.clock(self._region)))
            self._note("CreateMultipartUpload", f"{Key}: {upload_id}")
            return {"UploadId": upload_id}

        return self._call("CreateMultipartUpload", write, Key)

    def complete_multipart_upload(self, *, Key: str, UploadId: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See CompleteMultipartUpload."""

        def write() -> dict[str, Any]:
            held = self._multipart("CompleteMultipartUpload", UploadId).parts
            wanted = {one["PartNumber"]: one["ETag"] for one in request["MultipartUpload"]["Parts"]}
            if any(number not in held or _etag(held[number]) != etag for number, etag in wanted.items()):
                raise refusal("CompleteMultipartUpload", "InvalidPart", "A part could not be found.", 400)
            body = b"".join(held[number] for number in wanted)
            if len(body) != request.get("MpuObjectSize", len(body)):
                raise refusal("CompleteMultipartUpload", "InvalidRequest", "The size is another one.", 400)
            if request.get("IfNoneMatch") and self._versions(Key):
                raise refusal("CompleteMultipartUpload", "PreconditionFailed", "The object exists.", 412)
            del self._region.multiparts[UploadId]
            self._note("CompleteMultipartUpload", f"{Key} of {len(wanted)} parts")
            self._world.on_completed(self._region, self._world.put_version(self._region, Key, body))
            return {}

        return self._call("CompleteMultipartUpload", write, Key)

    def abort_multipart_upload(self, *, Key: str, UploadId: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See AbortMultipartUpload."""

        def write() -> dict[str, Any]:
            self._multipart("AbortMultipartUpload", UploadId)
            del self._region.multiparts[UploadId]
            return {}

        return self._call("AbortMultipartUpload", write, Key)

    def _multipart_uploads(self, *, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        def read() -> dict[str, Any]:
            found = [(id_, one) for id_, one in self._region.multiparts.items() if one.key.startswith(Prefix)]
            return {"Uploads": [{"Key": one.key, "UploadId": id_, "Initiated": one.initiated} for id_, one in found]}

        return self._call("ListMultipartUploads", read, Prefix)

    def _parts(self, *, Key: str, UploadId: str, PartNumberMarker: int, **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        def read() -> dict[str, Any]:
            held = sorted(self._multipart("ListParts", UploadId).parts.items())
            listed = [
                {
                    "PartNumber": number,
                    "Size": len(body),
                    "ETag": _etag(body),
                    "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
                }
                for number, body in held
                if number > PartNumberMarker
            ]
            return {"Parts": listed}

        return self._call("ListParts", read, Key)

    def _multipart(self, operation: str, upload_id: str) -> Multipart:
        if upload_id not in self._region.multiparts:
            raise NoSuchUpload({"Error": {"Code": "NoSuchUpload", "Message": "The upload is gone."}}, operation)
        return self._region.multiparts[upload_id]

    def put_object(self, *, Bucket: str, Key: str, Body: Any, **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803 - AWS's
        """See PutObject, into the archive."""
        content = Body if isinstance(Body, bytes) else Body.read()

        def write() -> dict[str, Any]:
            self._region.archive[Key] = content
            self._note("PutObject", f"{Key} is in the archive")
            return {}

        return self._call("PutObject", write, Key)

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **_: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See CopyObject, from the ingest bucket into the archive."""

        def write() -> dict[str, Any]:
            version = self._region.ingest.get((CopySource["Key"], CopySource["VersionId"]))
            if version is None:
                raise refusal("CopyObject", "NoSuchVersion", "The specified version does not exist.", 404)
            self._region.archive[Key] = version.body
            self._note("CopyObject", f"{Key} is in the archive")
            return {}

        return self._call("CopyObject", write, Key)

    def generate_presigned_url(self, operation: str, *, Params: dict[str, Any], ExpiresIn: int) -> str:  # noqa: N803 - botocore's
        """Return the URL of a presigned PutObject or UploadPart, without a call."""
        if operation not in {"put_object", "upload_part"}:
            raise NotImplementedError(f"the simulated S3 does not presign {operation!r}")
        return presigned_put(self._region, self._world.clock(self._region), Params, ExpiresIn)

    def _versions(self, key: str) -> list[Any]:
        found = [one for one in self._region.ingest.values() if one.key == key]
        return sorted(found, key=lambda one: (one.created_at, one.version_id))


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class SqsClient(ServiceClient):
    """A client of one region's queues."""

    service = "sqs"

    def send_message(self, *, QueueUrl: str, MessageBody: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401, N803
        """See SendMessage."""
        attributes = {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in request.get("MessageAttributes", {}).items()
        }

        def write() -> dict[str, Any]:
            if QueueUrl == "dead-letters":
                number = self._world.number()
                now = self._world.now
                letter = self._region.dead[number] = Queued(number, MessageBody, attributes, now, now)
                self._region.letters.add(attributes["object_id"]["stringValue"])
                about = f"{letter.about}: {attributes['fault']['stringValue']}"
            else:
                message = self._world.send_message(self._region, MessageBody, attributes, request.get("DelaySeconds", 0))
                number, about = (message.number, message.about) if message else (0, "nothing")
            digest = hashlib.md5(MessageBody.encode(), usedforsecurity=False).hexdigest()
            self._note("SendMessage", f"message {number} to the queue {QueueUrl}, about {about}")
            return {"MessageId": f"message-{number}", "MD5OfMessageBody": digest}

        return self._call("SendMessage", write, QueueUrl)

    def get_queue_url(self, *, QueueName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """See GetQueueUrl."""
        return self._call("GetQueueUrl", lambda: {"QueueUrl": QueueName}, QueueName)

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> dict[str, Any]:  # noqa: N803
        """See ChangeMessageVisibility; the handle of an earlier delivery has no effect."""
        number, receives = (int(part) for part in ReceiptHandle.split("-")[1:])

        def write() -> dict[str, Any]:
            message = self._region.queue.get(number)
            if message and message.receives == receives:
                message.visible_at = self._world.now + VisibilityTimeout
                self._world.scheduler.after(VisibilityTimeout, lambda: self._world.on_message(self._region))
            self._note("ChangeMessageVisibility", f"message {number} for {VisibilityTimeout} s")
            return {}

        return self._call("ChangeMessageVisibility", write, QueueUrl)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """See SendMessageBatch, as an operator's commands use it."""
        for entry in Entries:
            self.send_message(
                QueueUrl=QueueUrl, MessageBody=entry["MessageBody"], MessageAttributes=entry.get("MessageAttributes", {})
            )
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803 - AWS's
        """See GetQueueAttributes; it has the attributes that readiness and the observer read."""

        def read() -> dict[str, Any]:
            held = self._region.dead if QueueUrl == "dead-letters" else self._region.queue
            now = self._world.now
            visible = sum(one.visible_at <= now for one in held.values())
            delayed = sum(one.visible_at > now and not one.receives for one in held.values())
            values: dict[str, object] = {
                "ApproximateNumberOfMessages": visible,
                "ApproximateNumberOfMessagesDelayed": delayed,
                "ApproximateNumberOfMessagesNotVisible": len(held) - visible - delayed,
                "QueueArn": f"arn:aws:sqs:{self._region.name}:{ACCOUNT}:{QueueUrl}",
            }
            return {"Attributes": {name: str(values[name]) for name in AttributeNames}}

        return self._call("GetQueueAttributes", read, QueueUrl)


class _Body:
    """The body of GetObject, with the interface of botocore's stream."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self._content), size):
            yield self._content[start : start + size]

    def iter_lines(self) -> Iterator[bytes]:
        yield from self._content.splitlines()

    def close(self) -> None:
        """Do nothing, because nothing is open."""


def client(world: World, region: Region, service: str) -> Any:  # noqa: ANN401 - clients have no type in common
    """Return a client of a service."""
    if service == "cloudwatch":
        return CloudWatchClient(region.cloudwatch, partial(world.call, region))
    kinds = {"dynamodb": DynamoDbClient, "s3": S3Client, "sqs": SqsClient, "secretsmanager": SecretsManagerClient}
    return kinds[service](world, region)


def _page(
    items: list[Item], request: dict[str, Any], names: dict[str, str], values: dict[str, Any], *, most: int
) -> dict[str, Any]:
    start = request.get("ExclusiveStartKey")
    if start is not None:
        after = next((place for place, item in enumerate(items) if _key(item) == _key(start)), None)
        items = items[after + 1 :] if after is not None else [item for item in items if _key(item) > _key(start)]
    page: list[Item] = []
    size, limit = 0, min(request.get("Limit", most), most)
    answer: dict[str, Any] = {}
    for item in items:
        if len(page) == limit or size > _PAGE_BYTES:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("pk", "sk")}
            break
        page.append(item)
        size += len(str(item)) if len(items) > _BATCH_ITEMS * 40 else 0
    answer["ScannedCount"] = len(page)
    if "FilterExpression" in request:
        page = [item for item in page if matches(request["FilterExpression"], item, names, values)]
    answer["Count"] = len(page)
    if request.get("Select") != "COUNT":
        fields = request.get("ProjectionExpression")
        answer["Items"] = [projected(fields, item, names) if fields else dict(item) for item in page]
    return answer


def _key(item: dict[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _text(key: Key) -> str:
    return " ".join(key)
