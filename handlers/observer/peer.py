"""Check the other region directly, because replication may have failed: its state, split brain, and a forced failover."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.observer import heartbeat as heartbeats
from handlers.observer.heartbeat import NUMBERS, Heartbeat
from handlers.shared import claims, schema
from handlers.shared.claims import highest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Look:
    """The peer's heartbeat in the peer's replica."""

    could_read: bool
    heartbeat: Heartbeat | None = None
    """None if it could not be read or the peer's observer has never run."""


@dataclass(frozen=True)
class PeerView:
    """The state of the peer in one run."""

    look: Look
    is_ready: bool | None
    """Whether its API answered `/ready` with 200; None if its address is unknown."""
    claims: Mapping[str, int] | None
    """Each region's epoch in the peer's replica of the control register; None if it cannot be read."""
    now: float
    """Epoch seconds, by the clock of this region."""

    @property
    def problems(self) -> list[str]:
        """One sentence for each problem of the peer; empty if it is healthy."""
        found = []
        heartbeat = self.look.heartbeat
        if not self.look.could_read:
            found.append("its heartbeat cannot be read in its own region")
        elif heartbeat is None:
            found.append("it has no heartbeat")
        elif not heartbeat.is_fresh(self.now):
            found.append(f"its heartbeat is {heartbeat.age(self.now):.0f} s old")
        if heartbeat is not None and heartbeat.has_lost_canary:
            found.append("its canary was lost")
        if self.is_ready is False:
            found.append("its API is not ready")
        return found

    @property
    def numbers(self) -> dict[str, float | None]:
        """Age and numbers of the peer's heartbeat, for the log; empty without a heartbeat.

        They are not metrics: the peer publishes its own metrics with its alarms, and `operate -- status` shows both regions.
        """
        heartbeat = self.look.heartbeat
        if heartbeat is None:
            return {}
        return {"age": round(heartbeat.age(self.now), 3)} | {name: getattr(heartbeat, name) for name in NUMBERS}

    @property
    def is_heartbeat_dead(self) -> bool:
        """One of the two signals of a dead region; a region that never had a heartbeat may never have been deployed."""
        heartbeat = self.look.heartbeat
        return not self.look.could_read or (heartbeat is not None and not heartbeat.is_fresh(self.now))

    @property
    def is_dead(self) -> bool:
        """Whether both signals, of the table and of the API, show a dead region."""
        return self.is_heartbeat_dead and self.is_ready is False


class PeerReader:
    """Reads the peer's replica with GetItem only, which is all that the observer's role allows there.

    Args:
        dynamodb: A client of the peer's region with short timeouts.
        table_name: Name of the table.
        region: The peer's region.
        regions: The platform's regions.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str, regions: tuple[str, ...]) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._region = region
        self._regions = regions

    def look(self) -> Look:
        """Return the peer's heartbeat.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        return Look(could_read=True, heartbeat=heartbeats.read(self._dynamodb, self._table_name, self._region))

    def claims(self) -> dict[str, int]:
        """Return each region's epoch in the peer's replica, without malformed rows.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        rows = claims.read_rows(self._dynamodb, self._table_name, self._regions)
        return dict(claims.parse(rows.values(), self._regions).epochs)


@dataclass(frozen=True)
class Verdict:
    """The active region of each replica."""

    active_here: str
    """Active region in this region's replica."""
    active_there: str
    """Active region in the peer's replica."""

    @property
    def is_split(self) -> bool:
        """Whether they differ: each region acts as the active one, or neither does."""
        return self.active_here != self.active_there


def compare(here: Mapping[str, int], there: Mapping[str, int], *, primary_region: str) -> Verdict:
    """Compare two views of the register: epoch by region, as each replica holds them.

    After a promotion they differ during replication, for about a second; a difference in one run raises no alarm.
    """
    return Verdict(
        active_here=highest(here, primary_region=primary_region).region,
        active_there=highest(there, primary_region=primary_region).region,
    )


def is_forced(dynamodb: "DynamoDBClient", table_name: str, region: str) -> bool:
    """Return whether clients are forced to `region`; without a row they are not.

    Raises:
        ValueError: The row does not hold a boolean.
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    key: dict[str, Any] = {
        schema.PARTITION_KEY: {"S": schema.force_partition_key(region)},
        schema.SORT_KEY: {"S": schema.LATEST},
    }
    row: dict[str, Any] = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item", {})
    value = row.get(schema.FORCED, {"BOOL": False}).get("BOOL")
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - a row is data
            f"{schema.FORCED} of {schema.force_partition_key(region)} is {row[schema.FORCED]}; true or false is allowed: "
            "type `lockstep force`, or `unforce`"
        )
    return value
