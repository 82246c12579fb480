"""Test that the local cloud answers the handlers' calls as the simulated services and moto do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration_tests.conformance.cases import CASES, Services
from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, deploy

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud import LocalCloud

_KEYS = ("pk", "sk", "file_key", "file_order")


@pytest.fixture(scope="module")
def services(cloud: LocalCloud) -> Services:
    def schema(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)]

    index = {
        "IndexName": "by_file",
        "KeySchema": schema("file_key", "file_order"),
        "Projection": {"ProjectionType": "ALL"},
    }
    stack = deploy(
        cloud,
        {
            "Table": cfn.resource(
                "DynamoDB::Table",
                KeySchema=schema("pk", "sk"),
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in _KEYS],
                GlobalSecondaryIndexes=[index],
                BillingMode="PAY_PER_REQUEST",
            ),
            "Bucket": cfn.resource("S3::Bucket", VersioningConfiguration={"Status": "Enabled"}),
            "Archive": cfn.resource("S3::Bucket"),
            "Queue": cfn.resource("SQS::Queue"),
            "Secret": cfn.resource("SecretsManager::Secret", SecretString="first"),
        },
        region=EAST,
    )
    s3, bucket = cloud.client("s3", EAST), stack["Bucket"]
    return Services(
        cloud.client("dynamodb", EAST),
        s3,
        cloud.client("sqs", EAST),
        cloud.client("secretsmanager", EAST),
        table=stack["Table"],
        bucket=bucket,
        queue_url=stack["Queue"],
        secret=stack["Secret"],
        archive=stack["Archive"],
        put_version=lambda key, body: str(s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case_holds_on_the_local_cloud(case: Callable[[Services], None], services: Services) -> None:
    case(services)
