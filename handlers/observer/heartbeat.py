"""The heartbeat: the health of a region in six numbers, which its observer writes to its own replica."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from handlers.observer.canary import LOST
from handlers.shared import schema
from handlers.shared.own_rows import AT, put_unless_newer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAXIMUM_AGE_SECONDS: Final = 180.0
"""Age above which a heartbeat shows that the observer has stopped."""

_LARGEST: Final = 1e15
"""Limit of every count, age and epoch; DynamoDB itself holds numbers up to 10^125."""
NUMBERS: Final = ("canary_seconds", "queue_depth", "shadow_age", "dead_letters", "replication_pending", "epoch")


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """One heartbeat; a number that could not be measured is None and absent from the row."""

    at: float
    """Epoch seconds, by the clock of its region."""
    api_url: str | None = None
    ready: bool | None = None
    """Whether the region's API answered `/ready` with 200."""
    canary_seconds: float | None = None
    """Seconds of the last canary; `LOST` if it was not processed in time."""
    queue_depth: int | None = None
    """Messages in the ingest queue: waiting, delayed and in flight."""
    shadow_age: float | None = None
    """Seconds since the oldest waiting message was first seen."""
    dead_letters: int | None = None
    replication_pending: int | None = None
    """S3 operations of the other region's bucket that have not replicated to this one's."""
    epoch: int | None = None
    """Highest epoch in the region's replica of the control register."""

    def age(self, now: float) -> float:
        """Return the age in seconds; it is negative if the other region's clock is ahead."""
        return now - self.at

    def is_fresh(self, now: float) -> bool:
        """Return whether it is at most three minutes old, or at most three minutes ahead, which a clock may be."""
        return abs(self.age(now)) <= MAXIMUM_AGE_SECONDS

    @property
    def has_lost_canary(self) -> bool:
        """Whether the region's last canary was not processed in time."""
        return self.canary_seconds is not None and self.canary_seconds <= LOST

    def item(self, region: str) -> dict[str, Any]:
        """Return the row of a region without its time."""
        item: dict[str, Any] = key(region)
        item |= {name: {"N": _number(value)} for name in NUMBERS if (value := getattr(self, name)) is not None}
        if self.api_url is not None:
            item["api_url"] = {"S": self.api_url}
        if self.ready is not None:
            item["ready"] = {"BOOL": self.ready}
        return item

    @classmethod
    def parse(cls, item: dict[str, Any]) -> "Heartbeat":
        """Parse a row; a missing or malformed attribute becomes None.

        Raises:
            ValueError: The row has no time.
        """
        numbers = {name: _parse_number(item.get(name)) for name in (*NUMBERS, AT)}
        at = numbers.pop(AT)
        if at is None:
            raise ValueError(f"the heartbeat {item} has no number {AT!r}, the time when it was written")
        whole = ("queue_depth", "dead_letters", "replication_pending", "epoch")
        values: dict[str, Any] = {
            name: int(value) if name in whole and value is not None else value for name, value in numbers.items()
        }
        return cls(at=at, api_url=item.get("api_url", {}).get("S"), ready=item.get("ready", {}).get("BOOL"), **values)


def key(region: str) -> dict[str, Any]:
    """Return the key of a region's heartbeat."""
    return {
        schema.PARTITION_KEY: {"S": schema.heartbeat_partition_key(region)},
        schema.SORT_KEY: {"S": schema.LATEST},
    }


def write(dynamodb: "DynamoDBClient", table_name: str, region: str, heartbeat: Heartbeat) -> bool:
    """Write this region's heartbeat to its own replica; return False if a newer one is stored.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    return put_unless_newer(dynamodb, table_name, heartbeat.item(region), at=heartbeat.at)


def read(dynamodb: "DynamoDBClient", table_name: str, region: str) -> Heartbeat | None:
    """Return a region's heartbeat from the replica of the client's region; None if there is none.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    answer = dynamodb.get_item(TableName=table_name, Key=key(region), ConsistentRead=True)
    return Heartbeat.parse(answer["Item"]) if "Item" in answer else None


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _parse_number(attribute: dict[str, Any] | None) -> float | None:
    text = (attribute or {}).get("N")
    number = float(text) if text is not None else None
    return number if number is not None and abs(number) < _LARGEST else None
