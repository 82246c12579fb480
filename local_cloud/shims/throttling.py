"""DynamoDB throttles functions' calls, to the share that the control surface says.

Faithful: ThrottlingException, which SDKs retry with their backoff; the other region's replica, and replication, are not
throttled.
Different from AWS: nothing throttles unless told to, whatever the load; the account's root is never throttled, so that
what a region holds can be read meanwhile.
"""

from __future__ import annotations

from typing import Any

from ministack import app
from ministack.core.responses import get_region
from ministack.services import dynamodb

from local_cloud import regions
from local_cloud.shims import _permissions, encryption


def install() -> None:
    """Put it in front of the data plane, keys included: a throttled call is not looked at."""
    stock = dynamodb.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        region = get_region()
        # Who calls is asked last but one: it takes longest, and the dice fall for functions' calls only.
        if (
            region in regions.current.throttled
            and action in encryption.TABLE_ACTIONS
            and not _is_root(headers, query)
            and regions.throttles(region)
        ):
            return dynamodb.error_response_json("ThrottlingException", "Rate of requests exceeds the allowed throughput.")
        return await stock(method, path, headers, body, query)

    dynamodb.handle_request = handle


def _is_root(headers: dict[str, str], query: Any) -> bool:  # noqa: ANN401  parsed query parameters
    principal = _permissions.of_access_key(app.extract_access_key_id(headers, query) or "")
    return principal is not None and principal.policies is None
