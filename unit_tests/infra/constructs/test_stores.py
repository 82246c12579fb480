"""Test what holds and protects data: the bucket, the keys, the secret, and the table."""

import base64
import json
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from handlers.shared import schema
from infra.constructs.bucket import Bucket, expire, expire_noncurrent
from infra.constructs.keys import KeyPurpose, Keys, alias_arn, alias_statement
from infra.constructs.secret import ReceiptSecret, ReceiptSecretRotation
from infra.constructs.table import LedgerTable, index_arn, table_arn
from infra.naming import NamingError
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, function_in, key_in, of_type, only, stack_in


def test_lifecycle_rules_are_kept_beside_it() -> None:
    of = context()
    stack = stack_in(of)
    Bucket(
        stack,
        "Tried",
        context=of,
        resource="archive",
        key=None,
        lifecycle_rules=[expire("old", after_days=9), expire_noncurrent(3)],
    )
    abandoned, old, noncurrent = only(stack, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert abandoned["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert old["ExpirationInDays"] == 9
    assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": 9}
    assert noncurrent["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3}
    assert noncurrent["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in noncurrent, "what nobody deleted stays"


def test_bucket_name_too_long_is_refused() -> None:
    of = context()
    with pytest.raises(NamingError, match="not among the buckets"):
        Bucket(stack_in(of), "Tried", context=of, resource="other", key=None)


OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def keys_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: object) -> Stack:
    of = context(role, **settings)
    stack = stack_in(of)
    Keys(stack, "Keys", context=of)
    return stack


def keys(stack: Stack) -> dict[str, dict[str, Any]]:
    found = of_type(stack, "AWS::KMS::Key")
    return {
        alias["AliasName"].removeprefix("alias/serverless-").removesuffix("-prod"): found[
            alias["TargetKeyId"]["Fn::GetAtt"][0]
        ]
        for alias in of_type(stack, "AWS::KMS::Alias").values()
    }


def services(key: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for statement in key["KeyPolicy"]["Statement"]:
        principals = statement["Principal"].get("Service", [])
        for service in [principals] if isinstance(principals, str) else principals:
            found.setdefault(service, []).append(statement)
    return found


def test_sns_may_use_the_queue_key_where_an_email_is_set() -> None:
    (statement,) = services(keys(keys_stack(alarms_email="on-call@example.com"))["queue"])["sns.amazonaws.com"]
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert statement["Condition"] == OWN_ACCOUNT


@pytest.mark.parametrize(("control", "home"), [("secondary", "us-west-2"), ("primary", "us-east-1")])
@pytest.mark.parametrize("role", RegionRole)
def test_key_policy_allows_the_trail_in_any_region(role: RegionRole, control: str, home: str) -> None:
    (statement,) = services(keys(keys_stack(role, control=control))["trail"])["cloudtrail.amazonaws.com"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:{home}:{ACCOUNT}:trail/serverless-audit-prod"}
    }


def test_key_of_the_other_region_is_referenced_by_its_alias() -> None:
    of = context()
    stack = stack_in(of)
    assert alias_arn(stack, of.peer, KeyPurpose.DATA) == f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/serverless-data-prod"
    statement = stack.resolve(alias_statement(stack, of.peer, KeyPurpose.DATA, actions=["kms:Encrypt"]).to_statement_json())
    assert statement["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}
    assert statement["Resource"]["Fn::Join"][1][0] == "arn:aws:kms:us-east-1:"
    assert statement["Resource"]["Fn::Join"][1][-1] == ":key/*"


SECRET = "AWS::SecretsManager::Secret"


def secret_stack(**settings: object) -> Stack:
    of = context(**settings)
    stack = stack_in(of)
    ReceiptSecret(stack, "ReceiptSecret", context=of, key=key_in(stack))
    return stack


def test_secret_value_is_generated_as_a_key_and_never_in_a_template() -> None:
    secret = only(secret_stack(), SECRET)
    assert "SecretString" not in secret
    generated = secret["GenerateSecretString"]
    assert json.loads(generated["SecretStringTemplate"]) == {}
    assert generated["GenerateStringKey"] == "key"
    assert generated["ExcludePunctuation"] is True
    # Letters and digits of this length are base64 of more than the 32 bytes that HS256 wants.
    assert len(base64.b64decode("x" * generated["PasswordLength"], validate=True)) >= 32


def test_rotation_names_the_secret_and_depends_on_its_permission() -> None:
    of = context()
    stack = stack_in(of)
    function = function_in(stack)
    function.add_permission("SecretsManager", principal=_secrets_manager())
    ReceiptSecretRotation(stack, "Rotation", context=of, function=function)
    template = Template.from_stack(stack)
    (permission,) = template.find_resources("AWS::Lambda::Permission")
    template.has_resource(
        "AWS::SecretsManager::RotationSchedule",
        {
            "Properties": {
                "SecretId": "serverless-receipt-signing-prod",
                "RotationRules": {"AutomaticallyAfterDays": 30},
                "RotateImmediatelyOnUpdate": True,
            },
            "DependsOn": Match.array_with([permission]),
        },
    )


def _secrets_manager() -> iam.ServicePrincipal:
    return iam.ServicePrincipal("secretsmanager.amazonaws.com")


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
