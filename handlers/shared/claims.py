"""The control rows: who is active, read from whatever the table holds, and the one write that changes it (data rule 4).

One row a region, `CONTROL#<region>` / `ACTIVE`, with a whole number `epoch`; the highest epoch is active. Every reader must
come to the same answer from the same rows, or two regions take themselves for the active one. So the handlers, the
operator's commands and, through those, the drill use this one module. It imports nothing but the table's layout.

A row that is not a sound claim counts as no claim, and is reported. No row, however malformed, stops a reader.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.shared import schema

EPOCH_LIMIT: Final = 10**15
"""Epochs are whole numbers from 0 to below this: one promotion a second would take 31 million years to get there."""

_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_LONGEST_SHOWN: Final = 80


@dataclass(frozen=True)
class Active:
    """What the register says."""

    region: str
    """The active region's AWS name."""
    epoch: int
    """Of the winning claim; 0 while nobody has ever claimed."""


@dataclass(frozen=True)
class Claims:
    """What one replica holds of the register."""

    epochs: Mapping[str, int]
    """Epoch by region, of the sound claims of the platform's own regions."""
    problems: tuple[str, ...] = ()
    """One sentence for each row that is not a sound claim of one of the regions."""


class EpochsExhaustedError(Exception):
    """No epoch is left above the highest claim; the message says what to do."""


def parse(rows: Iterable[object], regions: Sequence[str]) -> Claims:
    """Read control rows, in any order and of any shape. Never raises.

    Where several rows are one region's, the highest epoch counts.

    Args:
        rows: Items of the table, as DynamoDB's low-level client answers them.
        regions: The platform's regions; rows of any other are reported and do not count.
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
    """Return the claim with the highest epoch; among equals the primary's, then the first by name.

    Args:
        epochs: Epoch by region, of sound claims.
        primary_region: Its epoch is 0 where it has no claim.
    """
    known = {primary_region: 0, **epochs}
    region = min(known, key=lambda name: (-known[name], name != primary_region, name))
    return Active(region=region, epoch=known[region])


def next_epoch(*views: Mapping[str, int]) -> int:
    """Return the epoch that claims above everything that the views hold.

    Raises:
        EpochsExhaustedError: There is none below `EPOCH_LIMIT`.
    """
    above = max((epoch for view in views for epoch in view.values()), default=0) + 1
    if above >= EPOCH_LIMIT:
        raise EpochsExhaustedError(
            f"a control row holds the epoch {above - 1}, the highest there is: no promotion of this platform gets there, so "
            "the row was written by hand or by a fault; write a lower epoch into that region's row, through its own region"
        )
    return above


def read_request(table_name: str, region: str) -> dict[str, Any]:
    """Return the arguments of the GetItem that reads a region's row."""
    return {"TableName": table_name, "Key": _key(region), "ConsistentRead": True}


def read_rows(dynamodb: Any, table_name: str, regions: Iterable[str]) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401 - a low-level client
    """Return the row of each region that has one, by GetItem: a caller's role may be limited to these keys.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    answers = {region: dynamodb.get_item(**read_request(table_name, region)) for region in regions}
    return {region: answer["Item"] for region, answer in answers.items() if answer.get("Item")}


def claim_request(
    table_name: str, region: str, epoch: int, *, held: Mapping[str, Any] | None, notes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the arguments of the PutItem that claims, under the condition that the row's epoch is what was read.

    So two callers never take the same epoch, and a row that is not a sound claim is replaced by one that is.

    Args:
        table_name: The table.
        region: The region that claims; its row is written through its own replica only.
        epoch: See `next_epoch`.
        held: The region's row as it was read; None if there was none.
        notes: Text attributes for people who read the row.
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
    """Return a row's region and epoch; where either is None, what is wrong."""
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
