"""Test who may write each kind of row in both regions' replicas: each function's role, the operator's, an administrator's.

Every write has a condition that never holds. A caller that may write gets a failed condition, another one gets access
denied, and no row changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from operations.target import Target

pytestmark = pytest.mark.local_only

OWNED: Final = ("CONTROL", "FORCE", "HEARTBEAT", "DIGEST", "OBSERVER", "HEALTH", "REPLICATION", "RECONCILER")
"""Kinds of rows that one region owns."""
_NEVER: Final = {
    "ConditionExpression": "attribute_exists(#pk) AND attribute_not_exists(#pk)",
    "ExpressionAttributeNames": {"#pk": "pk"},
}
_OBJECT: Final = "0" * 64
_REFUSED: Final = "AccessDeniedException"
_ALLOWED: Final = "ConditionalCheckFailedException"


def rows(target: Target) -> list[str]:
    """A partition key of each kind of row, for each region if it has one."""
    return [f"OBJ#{_OBJECT}", f"REC#{_OBJECT}#000000", "CLAIM#default#id"] + [
        f"{word}#{region}" for word in OWNED for region in target.regions
    ]


def own_rows(target: Target, function: str, region: str, variables: Mapping[str, str]) -> set[str]:
    """The rows that each function's role may put in its own region's replica."""
    promotes = variables.get("AUTO_PROMOTE") == "true" and region == target.secondary
    return {
        target.name_of("processor"): {f"OBJ#{_OBJECT}", f"RECONCILER#{region}"},
        target.name_of("bucket-replication"): {f"REPLICATION#{target.secondary}"},
        target.name_of("issuer"): {f"OBJ#{_OBJECT}", "CLAIM#default#id", f"HEALTH#{region}"},
        target.name_of("observer"): {
            f"{kind}#{region}" for kind in ("HEARTBEAT", "DIGEST", "OBSERVER", *(["CONTROL"] if promotes else []))
        },
    }.get(function, set())


def answer_to(client: Any, target: Target, partition_key: str, action: str = "put_item") -> str:  # noqa: ANN401
    """Return the error code of a write."""
    key = {"pk": {"S": partition_key}, "sk": {"S": "e2e"}}
    given = {"Item": key} if action == "put_item" else {"Key": key}
    with pytest.raises(ClientError) as caught:
        getattr(client, action)(TableName=target.table_name, **given, **_NEVER)
    return str(caught.value.response["Error"]["Code"])


def acting_as(target: Target, role_arn: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
    """Return a DynamoDB client of a region that acts as a role."""
    held = target.client("sts", region).assume_role(RoleArn=role_arn, RoleSessionName="hostile")["Credentials"]
    create: Any = boto3.client
    return create(
        "dynamodb",
        region_name=region,
        endpoint_url=target.endpoint_url,
        aws_access_key_id=held["AccessKeyId"],
        aws_secret_access_key=held["SecretAccessKey"],
        aws_session_token=held["SessionToken"],
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


def functions(target: Target) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield the name, region, role and environment variables of each function of the platform."""
    for region in target.regions:
        for page in target.client("lambda", region).get_paginator("list_functions").paginate():
            for one in page["Functions"]:
                name = one["FunctionName"]
                if name.startswith(f"{target.prefix}-") and name.endswith(f"-{target.environment}"):
                    yield name, region, one["Role"], one.get("Environment", {}).get("Variables", {})


def test_function_role_may_put_only_its_own_rows(target: Target) -> None:
    found = list(functions(target))
    # The writers of rows are in both regions, whatever else the settings ask for.
    writers = {(target.name_of(word), region) for word in ("processor", "issuer", "observer") for region in target.regions}
    assert writers <= {(name, region) for name, region, *_ in found}, found
    wrong = []
    for name, region, role, variables in found:
        for replica in target.regions:
            client = acting_as(target, role, replica)
            mine = own_rows(target, name, region, variables) if replica == region else set()
            for row in rows(target):
                expected = _ALLOWED if row in mine else _REFUSED
                if (answer := answer_to(client, target, row)) != expected:
                    wrong.append(f"{name} in {region} puts {row} in {replica}: {answer}, not {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def operator(target: Target) -> Iterator[str]:
    """The operator's role, which trusts the whole account meanwhile: STS here cannot verify a second factor."""
    iam, name = target.client("iam", target.control), target.name_of("operator")
    held = iam.get_role(RoleName=name)["Role"]
    arn, trust = str(held["Arn"]), held["AssumeRolePolicyDocument"]
    with pytest.raises(ClientError, match="AccessDenied"):
        acting_as(target, arn, target.control)
    conditions = [statement["Condition"] for statement in trust["Statement"]]
    assert all("ArnEquals" in one or one == {"Bool": {"aws:MultiFactorAuthPresent": "true"}} for one in conditions)
    everyone = [
        {name: value for name, value in statement.items() if name != "Condition"} for statement in trust["Statement"]
    ]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({**trust, "Statement": everyone}))
    yield arn
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def test_operator_may_write_only_claim_and_force_rows(operator: str, target: Target) -> None:
    mine = {f"CONTROL#{region}" for region in target.regions} | {f"FORCE#{target.secondary}"}
    for replica in target.regions:
        client = acting_as(target, operator, replica)
        assert {row for row in rows(target) if answer_to(client, target, row) == _ALLOWED} == mine
        assert {answer_to(client, target, row, "delete_item") for row in rows(target)} == {_REFUSED}


@pytest.fixture
def administrator(target: Target) -> Iterator[str]:
    """A role of the account without a restricting policy of its own."""
    iam, name = target.client("iam", target.control), "e2e-administrator"
    trust = {"Effect": "Allow", "Principal": {"AWS": target.account}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    policy = json.dumps({**document, "Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=policy)
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="everything")
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize("action", ["put_item", "delete_item", "update_item"])
def test_administrator_may_not_write_the_rows_that_a_region_owns(action: str, administrator: str, target: Target) -> None:
    for replica in target.regions:
        client = acting_as(target, administrator, replica)
        for row in rows(target):
            expected = _REFUSED if row.partition("#")[0] in OWNED else _ALLOWED
            assert answer_to(client, target, row, action) == expected, f"{row} in {replica}"
