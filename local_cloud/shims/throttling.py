"""DynamoDB throttles functions' calls: by the control surface, at a hot partition, and batches in part.

Faithful: ThrottlingException, which SDKs retry with their backoff; a batch is throttled item by item and returns the rest as
UnprocessedItems or UnprocessedKeys, and it is refused if no item is left; a partition key takes no more than 1,000 write
units a second; the other region's replica, and replication, are not throttled.
Different from AWS: reads and transactions heat no partition; a table as a whole takes any load; the account's root is never
throttled, so that a region's content can be read during a throttling.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable
from typing import Any, Final

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb

from local_cloud import regions
from local_cloud.hazards import current
from local_cloud.shims import _permissions, encryption

_UNITS_A_SECOND: Final = 1000
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
_UNIT_BYTES: Final = 1024
_BATCHES: Final = {"BatchWriteItem": ("UnprocessedItems", 25), "BatchGetItem": ("UnprocessedKeys", 100)}
"""By action: the field of the rest in the response, and the maximum number of items."""
_WRITES: Final = {"PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}
_heat: Final[dict[tuple[Any, ...], int]] = {}
"""Write units of each partition key in the second `_second`."""
_second = 0

_Request = dict[str, Any]


def install() -> None:
    """Throttle before the data plane and its checks of keys."""
    stock = dynamodb.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        # The caller is checked last, because it takes longest.
        if action not in encryption.TABLE_ACTIONS or not _may_throttle(action) or _is_root(headers, query):
            return await stock(method, path, headers, body, query)
        request = _parsed(body)
        if action in _BATCHES:
            kept, left = _split(action, request)
            if left and not kept:
                return _throttled()
            answer = await stock(method, path, headers, json.dumps({**request, "RequestItems": kept}).encode(), query)
            return _with_rest(answer, action, left) if left else answer
        if regions.throttles(get_region()) or _is_hot(action, request):
            return _throttled()
        return await stock(method, path, headers, body, query)

    dynamodb.handle_request = handle


def _may_throttle(action: str) -> bool:
    is_heating = current.strengths["hot-partitions"] and (action in _WRITES or action == "BatchWriteItem")
    is_partial = current.strengths["partial-batches"] and action in _BATCHES
    return bool(get_region() in regions.current.throttled or is_heating or is_partial)


def _parsed(body: bytes) -> _Request:
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _split(action: str, request: _Request) -> tuple[_Request, _Request]:
    """Divide a batch into processed and unprocessed items. DynamoDB's own checks refuse an invalid batch."""
    tables: Any = request.get("RequestItems")
    try:
        count = sum(len(_items(action, asked)) for asked in tables.values()) if isinstance(tables, dict) else 0
    except (AttributeError, KeyError, TypeError):
        count = 0
    if not 0 < count <= _BATCHES[action][1]:
        return tables or {}, {}
    numbers = itertools.count()
    is_partial = current.happens("partial-batches")
    unlucky = current.dice("partial-batches").sample(range(count), count // 2) if is_partial else []

    def is_left(table: str, item: Any) -> bool:  # noqa: ANN401  a request's item
        return (
            next(numbers) in unlucky
            or regions.throttles(get_region())
            or (action == "BatchWriteItem" and _is_hot_item(table, item))
        )

    kept: _Request = {}
    left: _Request = {}
    for table, asked in tables.items():
        chosen = [(item, is_left(table, item)) for item in _items(action, asked)]
        for part, wanted in ((kept, False), (left, True)):
            if items := [item for item, is_unprocessed in chosen if is_unprocessed is wanted]:
                part[table] = {**asked, "Keys": items} if action == "BatchGetItem" else items
    return kept, left


def _items(action: str, asked: Any) -> list[Any]:  # noqa: ANN401  a request's value
    items: list[Any] = asked["Keys"] if action == "BatchGetItem" else asked
    return items


def _is_hot(action: str, request: _Request) -> bool:
    return action in _WRITES and _heats(str(request.get("TableName")), request.get(_WRITES[action]))


def _is_hot_item(table: str, item: Any) -> bool:  # noqa: ANN401  a request's item
    put, deleted = item.get("PutRequest") or {}, item.get("DeleteRequest") or {}
    return _heats(table, put.get("Item") or deleted.get("Key"))


def _heats(name: str, item: Any) -> bool:  # noqa: ANN401  a request's item or key
    """Count a write to a partition key; return whether the key accepts no more in this second."""
    global _second  # noqa: PLW0603  one window for the whole server
    strength = current.strengths["hot-partitions"]
    table = dynamodb._tables.get(name.rpartition("/")[2])  # noqa: SLF001  ministack has no public hook
    if not strength or table is None or not isinstance(item, dict):
        return False
    if (now := int(time.monotonic())) != _second:
        _second = now
        _heat.clear()
    key = (get_account_id(), get_region(), table["TableName"], json.dumps(item.get(table["pk_name"])))
    units = math.ceil(len(json.dumps(item)) / _UNIT_BYTES)
    if _heat.get(key, 0) + units > _UNITS_A_SECOND / strength:
        return True
    _heat[key] = _heat.get(key, 0) + units
    return False


def _with_rest(answer: Any, action: str, left: _Request) -> Any:  # noqa: ANN401  ministack's answer
    status, headers, body = answer
    if status != 200:
        return answer
    result = json.loads(body)
    result[_BATCHES[action][0]] = {**result.get(_BATCHES[action][0], {}), **left}
    # The checksum is made again.
    rest = {name: value for name, value in headers.items() if name.lower() not in ("x-amz-crc32", "content-length")}
    respond: Callable[[Any], tuple[int, dict[str, str], bytes]] = dynamodb.json_response
    _, made, text = respond(result)
    return status, {**rest, **made}, text


def _throttled() -> Any:  # noqa: ANN401  ministack's answer
    return dynamodb.error_response_json("ThrottlingException", "Rate of requests exceeds the allowed throughput.")


def _is_root(headers: dict[str, str], query: Any) -> bool:  # noqa: ANN401  parsed query parameters
    principal = _permissions.of_access_key(app.extract_access_key_id(headers, query) or "")
    return principal is not None and principal.policies is None
