"""The digests that each region's observer keeps of what its replica holds, and whether the two regions' are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

HOURS: Final = 62
"""The observers watch 60 closed hours, behind the open one and the one before it."""
_CLOSED_AFTER: Final = timedelta(hours=2)
"""An hour is closed when it has been over for an hour: nothing arrives in it then."""
_HOUR: Final = "%Y-%m-%dT%H"

Digests = dict[str, tuple[str, str, str]]
"""Of closed hours: how many objects, which, and what became of them, by `<hour>#<first digit of the object id>`."""


@dataclass(frozen=True)
class Comparison:
    """Of two regions' digests.

    Attributes:
        equal: How many closed hours have digests in both regions, and equal ones.
        differing: The closed hours whose digests differ, in order.
    """

    equal: int
    differing: tuple[str, ...]


def read(client: Any, table: str, region: str, *, now: float) -> Digests:  # noqa: ANN401 - a boto3 client
    """Return a region's digests of the closed hours that are watched, as a replica holds them."""
    first = datetime.fromtimestamp(now, UTC) - timedelta(hours=HOURS)
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :pk AND sk >= :first",
        ExpressionAttributeValues={":pk": {"S": f"DIGEST#{region}"}, ":first": {"S": first.strftime(_HOUR)}},
        ConsistentRead=True,
    )
    rows = (row for page in pages for row in page["Items"])
    return {
        row["sk"]["S"]: (row["objects"]["N"], row["identities"]["S"], row["effects"]["S"]) for row in rows if _is_closed(row)
    }


def compare(one: Mapping[str, tuple[str, str, str]], other: Mapping[str, tuple[str, str, str]]) -> Comparison:
    """Compare what both regions have digests of."""
    both = one.keys() & other.keys()
    differing = {_hour(place) for place in both if one[place] != other[place]}
    return Comparison(len({_hour(place) for place in both} - differing), tuple(sorted(differing)))


def _is_closed(row: Mapping[str, Any]) -> bool:
    began = datetime.strptime(_hour(row["sk"]["S"]), _HOUR).replace(tzinfo=UTC)
    return datetime.fromtimestamp(float(row["at"]["N"]), UTC) >= began + _CLOSED_AFTER


def _hour(place: str) -> str:
    return place.partition("#")[0]
