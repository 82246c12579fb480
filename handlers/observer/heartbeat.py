"""The heartbeat: how a region is, in six numbers, by its own observer and in its own replica."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from handlers.observer.canary import LOST
from handlers.shared import schema
from handlers.shared.own_rows import AT, put_unless_newer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAXIMUM_AGE_SECONDS: Final = 180.0
"""An older one is of an observer that has stopped."""

_LARGEST: Final = 1e15
"""DynamoDB holds numbers up to 10^125, which no count, age or epoch of ours is."""
NUMBERS: Final = ("canary_seconds", "queue_depth", "shadow_age", "dead_letters", "replication_pending", "epoch")


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """One heartbeat; a number that could not be measured is None, and left out of the row."""

    at: float
    """Epoch seconds, by the clock of the region it is of."""
    api_url: str | None = None
    ready: bool | None = None
    """Whether the region's API answered `/ready` with 200."""
    canary_seconds: float | None = None
    """Of the last canary; `LOST` if it was not done in time."""
    queue_depth: int | None = None
    """Messages in the ingest queue: waiting, delayed and in flight."""
    shadow_age: float | None = None
    """Seconds since the oldest message that waits was first seen."""
    dead_letters: int | None = None
    replication_pending: int | None = None
    """S3 operations of the other region's bucket that have not arrived in this one's."""
    epoch: int | None = None
    """The highest that the region's replica of the control register holds."""

    def age(self, now: float) -> float:
        """Return its age in seconds; below 0 if the two regions' clocks differ that way."""
        return now - self.at

    def is_fresh(self, now: float) -> bool:
        """Return whether it is of the last three minutes. One that is further ahead than that is of a broken clock."""
        return abs(self.age(now)) <= MAXIMUM_AGE_SECONDS

    @property
    def has_lost_canary(self) -> bool:
        """Whether the region's last canary was not done in time."""
        return self.canary_seconds is not None and self.canary_seconds <= LOST

    def item(self, region: str) -> dict[str, Any]:
        """Return it as the row of a region, without the time."""
        item: dict[str, Any] = key(region)
        item |= {name: {"N": _number(value)} for name in NUMBERS if (value := getattr(self, name)) is not None}
        if self.api_url is not None:
            item["api_url"] = {"S": self.api_url}
        if self.ready is not None:
            item["ready"] = {"BOOL": self.ready}
        return item

    @classmethod
    def parse(cls, item: dict[str, Any]) -> "Heartbeat":
        """Read a row; what is not there, or not as `item` writes it, is None.

        Raises:
            ValueError: It does not say when it was written.
        """
        numbers = {name: _parse_number(item.get(name)) for name in (*NUMBERS, AT)}
        at = numbers.pop(AT)
        if at is None:
            raise ValueError(f"the heartbeat {item} does not say when it was written")
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
    """Write this region's heartbeat through its own replica; return whether it was written (or a newer one is there).

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
