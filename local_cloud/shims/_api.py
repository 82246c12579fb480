"""AWS clients of this cloud for shims, and the APIs' shapes. Never call a client from the event loop."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from ministack.core.responses import get_account_id, get_region

MARK: Final = b"lockstep-local-cloud-itself"
"""Part of the user agent in the cloud's own calls."""
_session: Final[Any] = boto3.session.Session()
_making_clients: Final = threading.Lock()


def client(service: str, region: str | None = None) -> Any:  # noqa: ANN401  boto3's clients have no common type
    """Return a client that acts as the root of the current request's account, by default in its region."""
    # Sessions are not thread-safe, and stacks of two regions deploy at once.
    with _making_clients:
        return _client(service, region or get_region(), get_account_id())


@cache
def _client(service: str, region: str, account: str) -> Any:  # noqa: ANN401  boto3's clients have no common type
    return _session.client(
        service,
        region_name=region,
        endpoint_url=f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id=account,
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            user_agent_extra=MARK.decode(),
            proxies={},
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
        ),
    )


def renamed(value: dict[str, Any], **names: str) -> dict[str, Any]:
    """Return the mapping with the given keys renamed, where they are present."""
    return {names.get(key, key): item for key, item in value.items()}


def truthful(value: dict[str, Any], *names: str, only: bool = False) -> dict[str, Any]:
    """Return the mapping with the named entries as booleans, also from text (`"true"`); `only` drops all others."""
    return {
        key: str(item).lower() == "true" if key in names else item for key, item in value.items() if key in names or not only
    }


def lower_first(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return a nested JSON value with the first letter of every key in lower case, the form of some JSON APIs."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value
