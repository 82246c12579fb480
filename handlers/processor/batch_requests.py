"""Sends BatchWriteItem requests whose items are ready-made JSON text.

A client's own `batch_write_item` converts and serializes every attribute of every item, which takes most of a batch's
processor time. Here the body is joined text. It is signed by the client's signer and sent once over the client's kept
connections. A batch that is not answered with 200 goes through `batch_write_item`, with botocore's retries and errors:
writing an item again changes nothing.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, HTTPClientError

from handlers.processor.routes import THROTTLED, is_throttled
from handlers.shared import schema
from handlers.shared.attribute_values import AttributeValue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_OK: Final = 200
_BAD_REQUEST: Final = 400
_THROTTLED: Final = tuple(f'#{code}"'.encode() for code in THROTTLED)
"""How the type of a throttling error ends in the content of an answer."""
_ALL_WRITTEN: Final = b'{"UnprocessedItems":{}}'

Batch = Mapping[str, bytes]
"""Put requests of one object as JSON text, by their sort keys; 25 at most."""


def puts(
    object_id: str, prepared: Iterable[tuple[int, bytes]], processing_version: str, expires_at: int | None
) -> Iterable[tuple[str, bytes]]:
    """Yield the sort key and the put request of every record.

    Args:
        object_id: Identity of the object.
        prepared: Ordinal and canonical text of each record's map.
        processing_version: The version of this attempt.
        expires_at: When DynamoDB may delete them, in epoch seconds; None keeps them.
    """
    own = {"object_id": {"S": object_id}, schema.PROCESSING_VERSION: {"S": processing_version}}
    if expires_at is not None:
        own[schema.TIME_TO_LIVE] = {"N": str(expires_at)}
    frame = b'{"PutRequest":{"Item":{"%b":{"S":"%%b"},"%b":{"S":"%%b"},"ordinal":{"N":"%%d"},%b,"record":%%b}}}' % (
        schema.PARTITION_KEY.encode(),
        schema.SORT_KEY.encode(),
        msgspec.json.encode(own)[1:-1].replace(b"%", b"%%"),
    )
    for ordinal, text in prepared:
        partition_key, sort_key = schema.record_keys(object_id, ordinal)
        yield sort_key, frame % (partition_key.encode(), sort_key.encode(), ordinal, text)


class BatchRequests:
    """Writes batches to one table.

    Args:
        dynamodb: A low-level client.
        table_name: Name of the table.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb: Any = dynamodb
        self._table_name = table_name
        self._frame = b'{"RequestItems":{"%b":[%%b]}}' % table_name.encode()

    def send(self, batch: Batch) -> Batch:
        """Send a batch, and return the part that DynamoDB left unprocessed: all of it if it refuses the throughput.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        status, content = self._attempt(self._frame % b",".join(batch.values()))
        if content == _ALL_WRITTEN:
            return {}
        if status == _BAD_REQUEST and any(code in content for code in _THROTTLED):
            return batch
        if status == _OK:
            answer = json.loads(content)
        else:
            requests = {self._table_name: [json.loads(put, object_hook=_binary) for put in batch.values()]}
            try:
                answer = self._dynamodb.batch_write_item(RequestItems=requests)
            except ClientError as error:
                if is_throttled(error):
                    return batch
                raise
        left = answer.get("UnprocessedItems", {}).get(self._table_name, [])
        keys = [put["PutRequest"]["Item"][schema.SORT_KEY]["S"] for put in left]
        return {key: batch[key] for key in keys}

    def _attempt(self, body: bytes) -> tuple[int, bytes]:
        """Send a request once; return the status, which is 0 without an answer, and the content.

        The event is botocore's own: a handler that returns an answer to it takes the place of the network, as moto's does
        (https://docs.aws.amazon.com/boto3/latest/guide/events.html).
        """
        meta = self._dynamodb.meta
        request = AWSRequest(
            "POST",
            f"{meta.endpoint_url}/",
            headers={
                "Content-Type": "application/x-amz-json-1.0",
                "User-Agent": meta.config.user_agent,
                "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
            },
            data=body,
        )
        request.context["client_region"] = meta.region_name
        self._dynamodb._request_signer.sign("BatchWriteItem", request)  # noqa: SLF001 - no public name
        prepared = request.prepare()
        try:
            _, answer = meta.events.emit_until_response("before-send.dynamodb.BatchWriteItem", request=prepared)
            if answer is None:
                answer = self._dynamodb._endpoint.http_session.send(prepared)  # noqa: SLF001 - it keeps the connections
            content: bytes = answer.content
        except HTTPClientError:
            return 0, b""
        return answer.status_code, content


def _binary(attribute: AttributeValue) -> AttributeValue:
    """Decode the base64 text of a binary attribute, which a client encodes itself."""
    content = attribute.get("B")
    return {"B": base64.b64decode(content)} if isinstance(content, str) else attribute
