"""What the observer keeps from run to run: a row of its own region."""

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.observer.auto_promote import Streak
from handlers.observer.canary import LOST, Canary
from handlers.observer.digests import Scan
from handlers.observer.rows import put_unless_newer
from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(child=True)


@dataclass(frozen=True)
class NextCanary:
    """What a run's canary will be: the same run, tried again, sends the same one."""

    run_at: float
    """The run's scheduled time, in epoch seconds."""
    upload_id: str


@dataclass(frozen=True)
class Memory:
    """All of it; as it is made, that of an observer that has never run."""

    run_at: float = 0.0
    """The scheduled time of the last run, in epoch seconds."""
    canary: Canary | None = None
    """The canary that is under way."""
    next_canary: NextCanary | None = None
    """The canary that the run sends, kept before it is sent."""
    canary_seconds: float | None = None
    """How the last canary that was judged went; `LOST` if it was."""
    peer_api_url: str | None = None
    """The peer's API, by the last heartbeat that said it."""
    streak: Streak = field(default_factory=Streak)
    """For how many runs the peer has shown itself dead."""
    scan: Scan | None = None
    """An hour whose digest took more than one run may take."""
    turn: int = 0
    """How many hours have been scanned, so that each gets its turn."""


class MemoryStore:
    """Reads and writes the row.

    Args:
        dynamodb: A low-level client of this region.
        table_name: The table.
        region: This region.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._key: dict[str, Any] = {
            schema.PARTITION_KEY: {"S": schema.observer_partition_key(region)},
            schema.SORT_KEY: {"S": schema.MEMORY},
        }

    def recall(self) -> Memory:
        """Return what was kept; nothing if there is nothing, or another version wrote what this one cannot read.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=self._key, ConsistentRead=True)
        text = answer.get("Item", {}).get("memory", {}).get("S")
        return parse(text) if text else Memory()

    def keep(self, memory: Memory, now: float) -> None:
        """Keep it, unless a later run has.

        Args:
            memory: What to keep.
            now: Epoch seconds.
        """
        put_unless_newer(
            self._dynamodb, self._table_name, {**self._key, "memory": {"S": json.dumps(asdict(memory))}}, at=now
        )


def parse(text: str) -> Memory:
    """Read what `json.dumps(asdict(memory))` wrote."""
    try:
        held = json.loads(text)
        return Memory(
            run_at=float(held["run_at"]),
            canary=Canary(**held["canary"]) if held["canary"] else None,
            next_canary=NextCanary(**held["next_canary"]) if held.get("next_canary") else None,
            canary_seconds=held["canary_seconds"],
            peer_api_url=held["peer_api_url"],
            streak=Streak(**held["streak"]),
            scan=Scan(**held["scan"]) if held["scan"] else None,
            turn=int(held["turn"]),
        )
    except (ValueError, TypeError, KeyError):
        logger.warning("the observer's memory cannot be read; it begins anew", memory=text[:1000], exc_info=True)
        return Memory()


def canary_seconds(memory: Memory, *, verdict: float | None, uploaded_in: float | None) -> float | None:
    """Return how canaries go, as of now: the newest thing that is known.

    Args:
        memory: What the last run kept.
        verdict: Of the canary that this run judged; None if it judged none.
        uploaded_in: Seconds that this run's own upload took; `LOST` if it failed; None if it made none.
    """
    if uploaded_in == LOST:
        return LOST
    known = verdict if verdict is not None else memory.canary_seconds
    return known if known is not None else uploaded_in
