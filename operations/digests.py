"""Read and compare the digests that each region's observer writes about its replica."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

HOURS: Final = 62
"""Hours that are read: the open hour, the hour before it, and the 60 closed hours that the observers watch."""
_CLOSED_AFTER: Final = timedelta(hours=2)
"""An hour is closed one hour after its end; no object arrives in it after that."""
_HOUR: Final = "%Y-%m-%dT%H"

Digests = dict[str, tuple[str, str, str]]
"""Number of objects, digest of their ids and digest of their results, by `<hour>#<first digit of the object id>`."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of two regions' digests.

    Attributes:
        equal: Number of closed hours whose digests are in both regions and equal.
        differing: The closed hours whose digests differ, in order.
    """

    equal: int
    differing: tuple[str, ...]


def read(client: Any, table: str, region: str, *, now: float) -> Digests:  # noqa: ANN401 - a boto3 client
    """Return a region's digests of the watched closed hours, as a replica holds them."""
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
    """Compare the digests of the hours that both regions have."""
    both = one.keys() & other.keys()
    differing = {_hour(place) for place in both if one[place] != other[place]}
    return Comparison(len({_hour(place) for place in both} - differing), tuple(sorted(differing)))


def _is_closed(row: Mapping[str, Any]) -> bool:
    closed_until = datetime.fromtimestamp(float(row["at"]["N"]), UTC) - _CLOSED_AFTER
    return _hour(row["sk"]["S"]) <= closed_until.strftime(_HOUR)


def _hour(place: str) -> str:
    return place.partition("#")[0]
