"""Permissions on a table's rows by partition key, and a table's resource policy.

Faithful: `dynamodb:LeadingKeys` has the partition keys in a request (items, keys, batches, transactions, and queries of a
table or an index by `=`); a Scan has none. A replica's resource policy is evaluated with the caller's own
policies, for the table and its indexes; the calls that set and read it need permission on the table.
Different from AWS: each item of a transaction is checked with the keys of all; PartiQL has no keys here, so that a condition
on the key refuses it unless it is `ForAllValues`.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

_ONE_ITEM: Final = ("Put", "Update", "Delete", "Get", "ConditionCheck")
"""The actions in an item of a transaction."""


def install() -> None:
    """Add the condition key to requests, and tables to the resources with a policy."""
    stock = iam_actions.dynamodb_service_context

    def context(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = stock(body)
        keys = leading_keys(body)
        return {**found, "dynamodb:LeadingKeys": keys} if keys else found

    iam_actions.dynamodb_service_context = context
    _name_the_table_of_a_policy()
    dynamodb.table_policy_for_arn = _policy
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["dynamodb"] = ("dynamodb", "table_policy_for_arn")


def _name_the_table_of_a_policy() -> None:
    stock = iam_actions.dynamodb_resource_arns

    def arns(body: bytes, region: str, account: str) -> list[str]:
        found: list[str] = stock(body, region, account)
        named = None if found else _request(body).get("ResourceArn")
        return [named] if isinstance(named, str) else found

    iam_actions.dynamodb_resource_arns = arns


def leading_keys(body: bytes) -> list[str]:
    """Return the distinct partition keys in a request; none if it is malformed, because it is refused later."""
    return list(dict.fromkeys(_named(_request(body))))


def _request(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(body or b"{}"))
    except ValueError:
        return {}


def _named(request: Mapping[str, Any]) -> Iterator[str]:
    table = request.get("TableName")
    if isinstance(table, str):
        yield from _of_item(table, request.get("Item"))
        yield from _of_item(table, request.get("Key"))
        yield from _of_query(table, request)
    for name, asked in _mapping(request.get("RequestItems")).items():
        entries = _mapping(asked).get("Keys", []) if isinstance(asked, Mapping) else asked
        for entry in entries if isinstance(entries, list) else []:
            write = _mapping(entry)
            yield from _of_item(name, _mapping(write.get("PutRequest")).get("Item"))
            yield from _of_item(name, _mapping(write.get("DeleteRequest")).get("Key"))
            yield from _of_item(name, write)
    for item in request.get("TransactItems") or []:
        for member in _ONE_ITEM:
            if operation := _mapping(_mapping(item).get(member)):
                yield from _named({**operation, "KeyConditionExpression": None})


def _of_item(table: str, item: object) -> Iterator[str]:
    yield from _text(_mapping(item).get(_partition_key(table, None)))


def _of_query(table: str, request: Mapping[str, Any]) -> Iterator[str]:
    name = _partition_key(table, request.get("IndexName"))
    for condition in [_mapping(request.get("KeyConditions")).get(name)]:
        for operand in _mapping(condition).get("AttributeValueList", []):
            yield from _text(operand)
    expression = request.get("KeyConditionExpression")
    if not isinstance(expression, str):
        return
    names, values = _mapping(request.get("ExpressionAttributeNames")), _mapping(request.get("ExpressionAttributeValues"))
    for attribute, placeholder in re.findall(r"([#\w.-]+)\s*=\s*(:\w+)", expression):
        if names.get(attribute, attribute) == name:
            yield from _text(values.get(placeholder))


def _partition_key(table: str, index: object) -> str:
    record = dynamodb._tables.get(table.rpartition("/")[2]) or {}
    indexes = [*record.get("GlobalSecondaryIndexes", []), *record.get("LocalSecondaryIndexes", [])]
    of = next((each for each in indexes if each.get("IndexName") == index), record) if index else record
    keys = [part["AttributeName"] for part in of.get("KeySchema", []) if part.get("KeyType") == "HASH"]
    return str(keys[0]) if keys else ""


def _text(value: object) -> Iterator[str]:
    for kind in ("S", "N", "B"):
        if isinstance(found := _mapping(value).get(kind), str):
            yield found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _policy(arn: str) -> tuple[str, str] | None:
    held = dynamodb._resource_policies.get(arn.partition("/index/")[0])
    return (held["Policy"], arn.split(":")[4]) if held else None
