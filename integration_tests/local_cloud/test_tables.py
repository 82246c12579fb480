"""Test global tables: replicas with separate settings, and replication that is late, ordered and lossy like AWS's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, assume, deploy, key, role, until

if TYPE_CHECKING:
    from local_cloud import LocalCloud


def replica(region: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    return {
        "Region": region,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "Owner", "Value": region}],
        **properties,
    }


def global_table(*replicas: dict[str, Any], **properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    index = {
        "IndexName": "by_file",
        "KeySchema": [{"AttributeName": "file", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    names = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "file")]
    usual = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": names,
        "GlobalSecondaryIndexes": [index],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": list(replicas),
    }
    return cfn.resource("DynamoDB::GlobalTable", usual, **properties)


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> Stack:
    return deploy(cloud, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)


def clients(stack: Stack) -> tuple[Any, Any, str]:
    return stack.cloud.client("dynamodb", EAST), stack.cloud.client("dynamodb", WEST), stack["Table"]


def value(client: Any, name: str, pk: str) -> str | None:  # noqa: ANN401  a boto3 client
    item = client.get_item(TableName=name, Key={"pk": {"S": pk}}, ConsistentRead=True).get("Item")
    return item["value"]["S"] if item else None


def put(client: Any, name: str, pk: str, content: str, **condition: Any) -> None:  # noqa: ANN401  a boto3 client
    item = {"pk": {"S": pk}, "value": {"S": content}, "file": {"S": "f"}}
    client.put_item(TableName=name, Item=item, **condition)


def test_each_replica_has_its_own_settings(cloud: LocalCloud) -> None:
    west_key = deploy(cloud, {"Key": key()}, {"Arn": cfn.att("Key")}, region=WEST).outputs()["Arn"]
    east_key = deploy(cloud, {"Key": key()}, {"Arn": cfn.att("Key")}, region=EAST).outputs()["Arn"]
    resources = {
        "Table": global_table(
            replica(WEST, SSESpecification={"KMSMasterKeyId": west_key}, DeletionProtectionEnabled=True),
            replica(EAST, SSESpecification={"KMSMasterKeyId": east_key}),
            SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )
    }
    stack = deploy(cloud, resources, region=WEST)
    east, west, name = clients(stack)
    for client, expected, protected in ((west, west_key, True), (east, east_key, False)):
        described = client.describe_table(TableName=name)["Table"]
        assert described["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": expected}
        assert described["DeletionProtectionEnabled"] is protected
        assert [index["IndexName"] for index in described["GlobalSecondaryIndexes"]] == ["by_file"]
        assert len(described["Replicas"]) == 1
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
        tags = client.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"]
        assert tags == [{"Key": "Owner", "Value": client.meta.region_name}]

    with pytest.raises(ClientError, match="protected against deletion"):
        west.delete_table(TableName=name)
    stack.update({"Table": global_table(replica(WEST))})
    with pytest.raises(ClientError, match="ResourceNotFound"):
        east.describe_table(TableName=name)
    assert west.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is False
    stack.delete()


def test_stack_cannot_delete_a_protected_table(cloud: LocalCloud) -> None:
    stack = deploy(cloud, {"Table": global_table(replica(EAST, DeletionProtectionEnabled=True))})
    with pytest.raises(AssertionError, match="protected against deletion"):
        stack.delete()


def test_conditions_see_the_local_replica_and_the_last_writer_wins(cloud: LocalCloud, table: Stack) -> None:
    east, west, name = clients(table)
    cloud.partition(cut=True)
    try:
        absent = {"ConditionExpression": "attribute_not_exists(pk)"}
        put(east, name, "both", "first", **absent)
        put(west, name, "both", "second", **absent)
        assert (value(east, name, "both"), value(west, name, "both")) == ("first", "second")
    finally:
        cloud.partition(cut=False)
    assert until(lambda: value(east, name, "both") == "second")
    assert value(west, name, "both") == "second"


def test_encrypted_table_needs_its_key(cloud: LocalCloud) -> None:
    home = replica(EAST, SSESpecification={"KMSMasterKeyId": cfn.att("Key")})
    encrypted = global_table(home, SSESpecification={"SSEEnabled": True, "SSEType": "KMS"})
    reader = role("lambda.amazonaws.com", allow("dynamodb:GetItem", "kms:Decrypt"))
    resources = {"Reader": reader, "Key": key(), "Table": encrypted}
    stack = deploy(cloud, resources)
    client = stack.assume("Reader", "dynamodb")
    with pytest.raises(ClientError, match="KMS"):
        value(client, stack["Table"], "x")
    stack.update({**resources, "Key": key(cfn.att("Reader"))})
    assert value(client, stack["Table"], "x") is None


WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
READS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:ConditionCheckItem")


def named(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}}


REQUESTS: dict[str, Any] = {
    "PutItem": lambda client, name, pk: client.put_item(TableName=name, Item={**named(pk), "file": {"S": pk}}),
    "UpdateItem": lambda client, name, pk: client.update_item(TableName=name, Key=named(pk)),
    "GetItem": lambda client, name, pk: client.get_item(TableName=name, Key=named(pk)),
    "DeleteItem": lambda client, name, pk: client.delete_item(TableName=name, Key=named(pk)),
    "BatchGetItem": lambda client, name, pk: client.batch_get_item(
        RequestItems={name: {"Keys": [named("mine#2"), named(pk)]}}
    ),
    "BatchWriteItem, put": lambda client, name, pk: client.batch_write_item(
        RequestItems={name: [{"PutRequest": {"Item": named("mine#2")}}, {"PutRequest": {"Item": named(pk)}}]}
    ),
    "BatchWriteItem, delete": lambda client, name, pk: client.batch_write_item(
        RequestItems={name: [{"DeleteRequest": {"Key": named(pk)}}]}
    ),
    "TransactWriteItems": lambda client, name, pk: client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": name, "Item": named("mine#2")}},
            {"Delete": {"TableName": name, "Key": named(pk)}},
        ]
    ),
    "Query": lambda client, name, pk: client.query(
        TableName=name,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": "pk"},
        ExpressionAttributeValues={":p": {"S": pk}},
    ),
    "Query, older form": lambda client, name, pk: client.query(
        TableName=name, KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": pk}]}}
    ),
    "Query of an index": lambda client, name, pk: client.query(
        TableName=name,
        IndexName="by_file",
        KeyConditionExpression="file = :f",
        ExpressionAttributeValues={":f": {"S": pk}},
    ),
}


def refused(call: Any, *arguments: Any) -> bool:  # noqa: ANN401  a request of the table above
    try:
        call(*arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDeniedException"
        return True
    return False


@pytest.fixture(scope="module")
def limited(cloud: LocalCloud, table: Stack) -> tuple[Any, str]:
    """A client whose role may use rows below `mine#` only."""
    statement = allow(*WRITES, *READS) | {"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["mine#*"]}}}
    stack = deploy(cloud, {"Role": role("lambda.amazonaws.com", statement)}, region=WEST)
    return stack.assume("Role", "dynamodb"), table["Table"]


@pytest.mark.parametrize("request_", REQUESTS)
def test_leading_keys_hold_a_role_to_its_rows(request_: str, limited: tuple[Any, str]) -> None:
    client, name = limited
    assert not refused(REQUESTS[request_], client, name, "mine#1")
    assert refused(REQUESTS[request_], client, name, "yours#1")
    assert refused(REQUESTS[request_], client, name, "mine")


def test_scan_names_no_leading_key(limited: tuple[Any, str]) -> None:
    """`ForAllValues` is true without the key, as IAM documents, so a role with such a limit must not be allowed to scan."""
    client, name = limited
    assert not refused(lambda: client.scan(TableName=name))


def test_resource_policy_of_a_replica_refuses_by_role_and_row(cloud: LocalCloud, table: Stack) -> None:
    roles = {who: role("lambda.amazonaws.com", allow(*WRITES, *READS)) for who in ("Operator", "Other")}
    callers = deploy(cloud, roles, region=WEST)
    east, west, name = clients(table)
    but = {"aws:PrincipalArn": [f"arn:aws:iam::{cloud.account}:role/{callers['Operator']}"]}
    rows = {"dynamodb:LeadingKeys": ["CONTROL#*"]}
    condition = {"ForAnyValue:StringLike": rows, "ArnNotEquals": but}
    statement = {**allow(*WRITES, Principal="*", Condition=condition), "Effect": "Deny"}
    arn = west.describe_table(TableName=name)["Table"]["TableArn"]
    west.put_resource_policy(ResourceArn=arn, Policy=json.dumps(cfn.policy_document(statement)))
    try:
        operator, other = (callers.assume(who, "dynamodb") for who in roles)
        assert not refused(REQUESTS["PutItem"], operator, name, "CONTROL#us-west-2")
        assert refused(REQUESTS["PutItem"], other, name, "CONTROL#us-west-2")
        assert refused(REQUESTS["BatchWriteItem, put"], other, name, "CONTROL#us-west-2")
        assert not refused(REQUESTS["PutItem"], other, name, "OBJ#1")
        assert not refused(REQUESTS["GetItem"], other, name, "CONTROL#us-west-2")
        assert until(lambda: east.get_item(TableName=name, Key=named("CONTROL#us-west-2")).get("Item"))
        elsewhere = assume(cloud, f"arn:aws:iam::{cloud.account}:role/{callers['Other']}", "dynamodb", EAST)
        assert not refused(REQUESTS["PutItem"], elsewhere, name, "CONTROL#us-east-1"), "each replica has its own policy"
    finally:
        west.delete_resource_policy(ResourceArn=arn)


@pytest.mark.parametrize("granted", [True, False])
def test_policy_of_a_replica_is_set_by_who_may(granted: bool, cloud: LocalCloud, table: Stack) -> None:  # noqa: FBT001
    _, west, name = clients(table)
    arn = west.describe_table(TableName=name)["Table"]["TableArn"]
    verbs = [f"dynamodb:{verb}ResourcePolicy" for verb in ("Get", "Put", "Delete")]
    statement = allow(*verbs, resource=arn if granted else f"{arn}-other")
    client = deploy(cloud, {"Role": role("lambda.amazonaws.com", statement)}, region=WEST).assume("Role", "dynamodb")
    document = cfn.policy_document({"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Scan"})
    calls = (
        lambda: client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(document)),
        lambda: client.get_resource_policy(ResourceArn=arn),
        lambda: client.delete_resource_policy(ResourceArn=arn),
    )
    assert [refused(call) for call in calls] == [not granted] * 3
