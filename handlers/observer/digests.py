"""Digest the RESULT rows of an hour: their number, identities and content, independent of the order of reading.

Digests are kept by hour and by the first digit of the object id, so a difference between two regions is narrowed down to one
sixteenth of an hour. The state index holds an hour's rows under 8 partition keys (two states, 4 shards).
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from handlers.shared import schema, timestamps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAXIMUM_ROWS_A_RUN: Final = 20_000
"""Rows that one run reads, plus at most one page; a larger hour continues in the next run."""
MAXIMUM_SECONDS_A_RUN: Final = 5.0
HOUR_SECONDS: Final = 3600

_ROWS_A_PAGE: Final = 1000
_MODULUS: Final = 1 << 256
_STATES: Final = (schema.COMPLETED, schema.QUARANTINED)
_PARTITIONS: Final = tuple((state, shard) for state in _STATES for shard in range(schema.STATE_INDEX_SHARDS))


@dataclass(frozen=True)
class Digest:
    """The digest of a set of RESULT rows."""

    objects: int = 0
    identities: int = 0
    """Sum, modulo 2^256, of the SHA-256 of every object id: equal for the same objects."""
    effects: int = 0
    """Sum, modulo 2^256, of the SHA-256 of every row without its provenance: equal for the same outcomes."""

    def plus(self, item: dict[str, Any]) -> "Digest":
        """Return the digest with one more row, given as DynamoDB's attribute values."""
        object_id = _object_id(item)
        return Digest(
            self.objects + 1,
            (self.identities + _number(object_id)) % _MODULUS,
            (self.effects + _number(_deterministic(item))) % _MODULUS,
        )

    def as_list(self) -> list[Any]:
        """Return the digest in a form that JSON can hold."""
        return [self.objects, f"{self.identities:064x}", f"{self.effects:064x}"]

    @classmethod
    def of_list(cls, values: list[Any]) -> "Digest":
        """Parse the result of `as_list`."""
        return cls(int(values[0]), int(values[1], 16), int(values[2], 16))


@dataclass(frozen=True)
class Scan:
    """Progress of reading an hour."""

    hour: str
    """`YYYY-MM-DDTHH` in UTC."""
    partition: int = 0
    """Number of its partition keys that are read to their end."""
    start_key: dict[str, Any] | None = None
    """Where to continue in the next partition key."""
    digests: dict[str, list[Any]] = field(default_factory=dict)
    """Digests until now, by prefix, in the form of `Digest.as_list`."""

    @property
    def is_whole(self) -> bool:
        """Whether the hour is read to its end."""
        return self.partition >= len(_PARTITIONS)

    def by_prefix(self) -> dict[str, Digest]:
        """Return the digest of every prefix; a prefix without rows has the empty digest."""
        return {
            prefix: Digest.of_list(self.digests[prefix]) if prefix in self.digests else Digest()
            for prefix in schema.DIGEST_PREFIXES
        }


class Budget:
    """The limit of the reads of one run.

    Args:
        rows: Number of rows; one page may exceed it.
        seconds: Longest time.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        *,
        rows: int = MAXIMUM_ROWS_A_RUN,
        seconds: float = MAXIMUM_SECONDS_A_RUN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._ends_at = clock() + seconds

    def spend(self, rows: int) -> None:
        """Subtract rows that were read."""
        self._rows -= rows

    @property
    def is_spent(self) -> bool:
        """Whether the run has used up its rows or its time."""
        return self._rows <= 0 or self._clock() >= self._ends_at


class HourReader:
    """Reads the RESULT rows of an hour from this region's replica.

    Args:
        dynamodb: A low-level client of this region.
        table_name: The table.
        rows_a_page: Rows that one request returns at most.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, rows_a_page: int = _ROWS_A_PAGE) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._rows_a_page = rows_a_page

    def read(self, scan: Scan, budget: Budget) -> Scan:
        """Continue reading an hour until its end or the end of the budget.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        while not scan.is_whole and not budget.is_spent:
            answer = self._page(scan)
            budget.spend(len(answer["Items"]))
            scan = _with_page(scan, answer["Items"], answer.get("LastEvaluatedKey"))
        return scan

    def _page(self, scan: Scan) -> Any:  # noqa: ANN401 - boto3's answer
        state, shard = _PARTITIONS[scan.partition]
        start: Any = {"ExclusiveStartKey": scan.start_key} if scan.start_key else {}
        return self._dynamodb.query(
            TableName=self._table_name,
            IndexName=schema.STATE_INDEX,
            KeyConditionExpression="#state_hour = :state_hour",
            ExpressionAttributeNames={"#state_hour": schema.STATE_INDEX_PARTITION_KEY},
            ExpressionAttributeValues={":state_hour": {"S": schema.state_hour_shard(state, scan.hour, shard)}},
            Limit=self._rows_a_page,
            **start,
        )


def hour_of(now: float) -> str:
    """Return the hour of epoch seconds."""
    return timestamps.hour_of(timestamps.from_epoch(now))


def hours_before(hour: str, count: int) -> str:
    """Return the hour `count` hours earlier."""
    return hour_of(begin_of(hour) - count * HOUR_SECONDS)


@lru_cache(maxsize=256)  # a run calls it a thousand times, for about sixty hours
def begin_of(hour: str) -> float:
    """Return the beginning of an hour in epoch seconds."""
    return datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC).timestamp()


def _with_page(scan: Scan, items: list[dict[str, Any]], next_key: dict[str, Any] | None) -> Scan:
    added: dict[str, Digest] = {}
    for item in items:
        prefix = _object_id(item)[:1]
        before = added.get(prefix) or (Digest.of_list(scan.digests[prefix]) if prefix in scan.digests else Digest())
        added[prefix] = before.plus(item)
    return replace(
        scan,
        partition=scan.partition if next_key else scan.partition + 1,
        start_key=next_key,
        digests=scan.digests | {prefix: digest.as_list() for prefix, digest in added.items()},
    )


def _object_id(item: dict[str, Any]) -> str:
    return str(item[schema.PARTITION_KEY]["S"]).partition("#")[2]


def _deterministic(item: dict[str, Any]) -> str:
    held = {name: value for name, value in item.items() if name not in schema.RESULT_PROVENANCE}
    return json.dumps(held, sort_keys=True, separators=(",", ":"), default=repr)  # JSON has no bytes


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
