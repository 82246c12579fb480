"""Compare the simulated services with moto: both must answer the handlers' calls alike."""

from collections.abc import Callable, Iterator
from typing import Final

import boto3
import pytest
from moto import mock_aws

from integration_tests.conformance.cases import CASES, Services
from simulation import secrets_manager
from simulation.plan import PRIMARY, Plan
from simulation.services import client
from simulation.world import World


def simulated() -> Services:
    """Return clients of a world without faults."""
    world = World(Plan(seed=0, uploads=(), faults=()))
    region = world.regions[PRIMARY]
    secrets_manager.create(world)
    return Services(
        client(world, region, "dynamodb"),
        client(world, region, "s3"),
        client(world, region, "sqs"),
        client(world, world.regions[secrets_manager.HOME], "secretsmanager"),
        table="ledger",
        bucket=f"ingest-{PRIMARY}",
        queue_url="ingest",
        secret="receipt-signing",
        archive="archive",
        put_version=lambda key, body: world.put_version(region, key, body).version_id,
    )


def of_moto() -> Services:
    """Return clients of moto, with the resources that the cases need."""
    dynamodb, s3 = boto3.client("dynamodb", region_name=PRIMARY), boto3.client("s3", region_name=PRIMARY)
    sqs, secrets = boto3.client("sqs", region_name=PRIMARY), boto3.client("secretsmanager", region_name=PRIMARY)
    secrets.create_secret(Name="receipt-signing", SecretString="first")
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "file_key", "file_order")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_file",
                "KeySchema": [
                    {"AttributeName": "file_key", "KeyType": "HASH"},
                    {"AttributeName": "file_order", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    s3.create_bucket(Bucket="ingest")
    s3.create_bucket(Bucket="archive")
    s3.put_bucket_versioning(Bucket="ingest", VersioningConfiguration={"Status": "Enabled"})
    return Services(
        dynamodb,
        s3,
        sqs,
        secrets,
        table="ledger",
        bucket="ingest",
        queue_url=sqs.create_queue(QueueName="ingest")["QueueUrl"],
        secret="receipt-signing",
        archive="archive",
        put_version=lambda key, body: s3.put_object(Bucket="ingest", Key=key, Body=body)["VersionId"],
    )


MOTO_DIFFERS: Final = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    "a_batch_of_26_items_is_refused": "moto takes any number of items",
    "a_batch_that_names_a_key_twice_is_refused": "moto compares puts with puts only",
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
    "a_comparison_of_two_types_is_false": "moto raises TypeError",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    "a_key_marker_alone_is_exclusive_and_need_not_exist": "moto leaves out the first key behind one that does not exist",
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
    "a_version_is_not_found_by_a_stage_that_another_one_has": "moto answers InvalidParameterException or another version",
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    "a_version_takes_its_value_once": "moto replaces the value",
}
"""Cases in which moto differs from AWS's documentation; the test fails when moto no longer differs."""


@pytest.fixture(scope="module", params=[simulated, of_moto])
def services(request: pytest.FixtureRequest) -> Iterator[Services]:
    with mock_aws():
        yield request.param()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case_holds_for_simulation_and_moto(
    case: Callable[[Services], None], services: Services, request: pytest.FixtureRequest
) -> None:
    if services.bucket == "ingest" and case.__name__ in MOTO_DIFFERS:
        reason, raised = MOTO_DIFFERS[case.__name__], (AssertionError, TypeError, pytest.fail.Exception)
        request.applymarker(pytest.mark.xfail(reason=reason, raises=raised, strict=True))
    case(services)
