"""The control rows: determine the active region from any rows, and build the write that changes it (data rule 4).

Each region has one row, `CONTROL#<region>` / `ACTIVE`, with a whole number `epoch`; the region with the highest epoch is
active. Every reader must derive the same answer from the same rows, otherwise both regions may act as the active one. So the
handlers, the operator's commands and, through those, the drill use this module. It imports only the table's schema.

A malformed row counts as no claim and is reported. No row can make a reader fail.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.shared import schema

EPOCH_LIMIT: Final = 10**15
"""Epochs are whole numbers from 0 to below this limit: one promotion a second would reach it in 31 million years."""

_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_LONGEST_SHOWN: Final = 80


@dataclass(frozen=True)
class Active:
    """The active region and its epoch."""

    region: str
    """The active region's AWS name."""
    epoch: int
    """Epoch of the highest claim; 0 before the first claim."""


@dataclass(frozen=True)
class Claims:
    """The claims that one replica holds."""

    epochs: Mapping[str, int]
    """Epoch by region, from the valid claims of the platform's regions."""
    problems: tuple[str, ...] = ()
    """One sentence for each row that is not a valid claim of one of the regions."""


class EpochsExhaustedError(Exception):
    """Raised when no epoch is left above the highest claim; the message names the fix."""


def parse(rows: Iterable[object], regions: Sequence[str]) -> Claims:
    """Parse control rows, in any order and of any shape. Never raises.

    If a region has several rows, the highest epoch counts.

    Args:
        rows: Items of the table, as DynamoDB's low-level client returns them.
        regions: The platform's regions; rows of any other region are reported and do not count.
    """
    epochs: dict[str, int] = {}
    problems = []
    for row in rows:
        region, epoch, problem = _parse(row, regions)
        if region is None or epoch is None:
            problems.append(problem)
        else:
            epochs[region] = max(epoch, epochs.get(region, 0))
    return Claims(epochs, tuple(problems))


def highest(epochs: Mapping[str, int], *, primary_region: str) -> Active:
    """Return the claim with the highest epoch; among equal epochs the primary's, then the first by name.

    Args:
        epochs: Epoch by region, from valid claims.
        primary_region: The primary; its epoch is 0 if it has no claim.
    """
    known = {primary_region: 0, **epochs}
    region = min(known, key=lambda name: (-known[name], name != primary_region, name))
    return Active(region=region, epoch=known[region])


def next_epoch(*views: Mapping[str, int]) -> int:
    """Return the next epoch above all epochs of the views.

    Raises:
        EpochsExhaustedError: No epoch below `EPOCH_LIMIT` is left.
    """
    above = max((epoch for view in views for epoch in view.values()), default=0) + 1
    if above >= EPOCH_LIMIT:
        raise EpochsExhaustedError(
            f"a control row holds the epoch {above - 1}, the highest possible one: no promotion reaches it, so the row was "
            "written by hand or by a fault; write a lower epoch into that region's row, through its own region"
        )
    return above


def read_request(table_name: str, region: str) -> dict[str, Any]:
    """Return the arguments of the GetItem that reads a region's row."""
    return {"TableName": table_name, "Key": _key(region), "ConsistentRead": True}


def read_rows(dynamodb: Any, table_name: str, regions: Iterable[str]) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401 - a low-level client
    """Return the row of each region that has one, with GetItem: a caller's role may allow only these keys.

    Raises:
        ClientError: DynamoDB returned an error.
        BotoCoreError: DynamoDB did not answer.
    """
    answers = {region: dynamodb.get_item(**read_request(table_name, region)) for region in regions}
    return {region: answer["Item"] for region, answer in answers.items() if answer.get("Item")}


def claim_request(
    table_name: str, region: str, epoch: int, *, held: Mapping[str, Any] | None, notes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the arguments of the PutItem of a claim, with the condition that the row still has the epoch that was read.

    The condition prevents two callers from claiming the same epoch. A malformed row is replaced by a valid claim.

    Args:
        table_name: Name of the table.
        region: The region that claims; its row is written only through its own replica.
        epoch: See `next_epoch`.
        held: The region's row as it was read; None if there was none.
        notes: Text attributes for operators who read the row.
    """
    item = {**_key(region), schema.EPOCH: {"N": str(epoch)}, **{name: {"S": text} for name, text in (notes or {}).items()}}
    request = {"TableName": table_name, "Item": item}
    if held is None:
        names = {"#pk": schema.PARTITION_KEY}
        return {**request, "ConditionExpression": "attribute_not_exists(#pk)", "ExpressionAttributeNames": names}
    names = {"#epoch": schema.EPOCH}
    if schema.EPOCH not in held:
        return {**request, "ConditionExpression": "attribute_not_exists(#epoch)", "ExpressionAttributeNames": names}
    return {
        **request,
        "ConditionExpression": "#epoch = :held",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":held": held[schema.EPOCH]},
    }


def _key(region: str) -> dict[str, Any]:
    return {
        schema.PARTITION_KEY: {"S": schema.control_partition_key(region)},
        schema.SORT_KEY: {"S": schema.ACTIVE},
    }


def _parse(row: object, regions: Sequence[str]) -> tuple[str | None, int | None, str]:
    """Return a row's region, its epoch and, if either is None, the problem."""
    partition_key = _value(row, schema.PARTITION_KEY, "S")
    sort_key = _value(row, schema.SORT_KEY, "S")
    owners = {schema.control_partition_key(region): region for region in regions}
    if not isinstance(partition_key, str) or partition_key not in owners or sort_key != schema.ACTIVE:
        return None, None, f"the control row {_shown(partition_key)} / {_shown(sort_key)} is of none of {', '.join(regions)}"
    region, number = owners[partition_key], _value(row, schema.EPOCH, "N")
    if isinstance(number, str) and _WHOLE_NUMBER.fullmatch(number):
        return region, int(number), ""
    held = row.get(schema.EPOCH) if isinstance(row, Mapping) else None
    return region, None, f"the epoch of {region} is {_shown(held)}, not a whole number from 0 to {EPOCH_LIMIT - 1}"


def _value(row: object, name: str, kind: str) -> object:
    attribute = row.get(name) if isinstance(row, Mapping) else None
    return attribute.get(kind) if isinstance(attribute, Mapping) and len(attribute) == 1 else None


def _shown(value: object) -> str:
    return "missing" if value is None else ascii(value)[:_LONGEST_SHOWN]
