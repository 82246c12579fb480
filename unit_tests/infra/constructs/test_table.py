"""Test the global table: the settings of each replica, and the effects of its consistency."""

from typing import Any

import pytest
from aws_cdk import Stack

from handlers.shared import schema
from infra.constructs.table import LedgerTable, index_arn, table_arn
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, only, stack_in


def table_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> Stack:
    of = context(role, **settings)
    stack = stack_in(of)
    LedgerTable(stack, "Ledger", context=of, key=key_in(stack))
    return stack


def table(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> dict[str, Any]:
    return only(table_stack(role, **settings), "AWS::DynamoDB::GlobalTable")


def by_region(of: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {replica["Region"]: replica for replica in of["Replicas"]}


def test_its_keys_and_indexes_are_the_schema_s_and_in_each_replica() -> None:
    found = table()
    assert found["KeySchema"] == _keys(schema.PARTITION_KEY, schema.SORT_KEY)
    indexes = {index["IndexName"]: index for index in found["GlobalSecondaryIndexes"]}
    assert {name: index["KeySchema"] for name, index in indexes.items()} == {
        schema.FILE_INDEX: _keys(schema.FILE_INDEX_PARTITION_KEY, schema.FILE_INDEX_SORT_KEY),
        schema.STATE_INDEX: _keys(schema.STATE_INDEX_PARTITION_KEY, schema.STATE_INDEX_SORT_KEY),
    }
    for region, replica in by_region(found).items():
        assert {index["IndexName"] for index in replica["GlobalSecondaryIndexes"]} == set(indexes), region
    defined = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
    used = {part["AttributeName"] for keys in (found, *indexes.values()) for part in keys["KeySchema"]}
    assert defined == dict.fromkeys(used, "S")


@pytest.mark.parametrize("attempts_days", [0, 30])
def test_rows_that_say_so_expire(attempts_days: int) -> None:
    found = table(retention={"attempts_days": attempts_days})
    assert found["TimeToLiveSpecification"] == {"AttributeName": schema.TIME_TO_LIVE, "Enabled": True}


def test_arns_are_made_of_names_for_either_region() -> None:
    of = context()
    stack = stack_in(of)
    assert table_arn(stack, of) == f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/serverless-ledger-prod"
    assert index_arn(stack, of.peer, "by_file") == (
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/serverless-ledger-prod/index/by_file"
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
