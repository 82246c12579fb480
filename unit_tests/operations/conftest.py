"""Fixture: a table in each of two regions without replication, so that a test writes each replica itself."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from handlers.shared import schema
from operations import target as targets
from operations.target import Mode, Target

INDEXES = {
    schema.FILE_INDEX: (schema.FILE_INDEX_PARTITION_KEY, schema.FILE_INDEX_SORT_KEY),
    schema.STATE_INDEX: (schema.STATE_INDEX_PARTITION_KEY, schema.STATE_INDEX_SORT_KEY),
}
LIVE = Target(
    mode=Mode.LIVE,
    account="123456789012",
    environment="staging",
    primary="us-east-1",
    secondary="us-west-2",
    control="us-west-2",
    run_id="test",
)
_client = functools.cache(boto3.client)
"""The tests' own clients; the first call of each takes ten times as long as a request to moto."""


def _forget() -> None:
    for cache in (targets._session, targets._client, targets._fail_fast_client):  # noqa: SLF001
        cache.cache_clear()


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """A deployed platform that consists of the table only."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(boto3, "client", _client)
    _forget()
    with mock_aws():
        for region in LIVE.regions:
            create_table(region, LIVE.table_name)
        yield LIVE
    _forget()


def create_table(region: str, name: str) -> None:
    """Create the table with its indexes."""
    boto3.client("dynamodb", region_name=region).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"}
            for attribute in ("pk", "sk", *itertools.chain(*INDEXES.values()))
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": hash_, "KeyType": "HASH"},
                    {"AttributeName": range_, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, (hash_, range_) in INDEXES.items()
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def put_claim(replica: str, region: str, epoch: int) -> None:
    """Write a region's claim to a replica, as replication or an earlier promotion does."""
    put_row(replica, region, {"epoch": {"N": str(epoch)}})


def put_row(replica: str, region: str, attributes: dict[str, Any]) -> None:
    """Write any control row of a region to a replica."""
    item = {"pk": {"S": f"CONTROL#{region}"}, "sk": {"S": "ACTIVE"}, **attributes}
    boto3.client("dynamodb", region_name=replica).put_item(TableName=LIVE.table_name, Item=item)


def lose(target: Target, *lost: str) -> list[str]:
    """Make every call to some regions fail; return the list that receives the host of each call."""
    hosts: list[str] = []

    def see(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        host = str(urlsplit(request.url).hostname)
        hosts.append(host)
        if set(host.split(".")) & set(lost):
            raise EndpointConnectionError(endpoint_url=request.url)

    target.session().events.register_first("before-send", see)
    return hosts


def lose_service(target: Target, service: str) -> None:
    """Make every call to a service fail, in all regions."""

    def see(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        raise EndpointConnectionError(endpoint_url=request.url)

    target.session().events.register_first(f"before-send.{service}", see)
