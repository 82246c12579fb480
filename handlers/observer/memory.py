"""What the observer keeps from run to run: a row of its own region."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handlers.observer.auto_promote import Streak
from handlers.observer.canary import LOST, Canary
from handlers.observer.digests import Scan, begin_of
from handlers.shared import schema
from handlers.shared.own_rows import FURTHEST_AHEAD_SECONDS, put_unless_newer

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
    """The peer's API, as the deployment wrote it down."""
    streak: Streak = field(default_factory=Streak)
    """For how many runs the peer has shown itself dead."""
    scan: Scan | None = None
    """An hour whose digest took more than one run may take."""
    turn: int = 0
    """How many hours have been scanned, so that each gets its turn."""

    def of_the_past(self, now: float) -> "Memory":
        """Return it, or a memory of nothing if it holds a time that is yet to come, at which everything would wait.

        Args:
            now: Epoch seconds.
        """
        times = (self.run_at, self.streak.last_at, *((self.canary.run_at, self.canary.sent_at) if self.canary else ()))
        if max(times) <= now + FURTHEST_AHEAD_SECONDS:
            return self
        logger.warning("the observer's memory is of a time that is yet to come; it begins anew", times=times)
        return Memory()


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
    """Read what `json.dumps(asdict(memory))` wrote; anything else is a memory of nothing. Never raises."""
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        logger.warning("the observer's memory cannot be read; it begins anew", memory=text[:1000], exc_info=True)
        return Memory()


def _parse(held: Any) -> Memory:  # noqa: ANN401 - JSON
    canary, following, streak, scan = held["canary"], held.get("next_canary"), held["streak"], held["scan"]
    return Memory(
        run_at=_number(held["run_at"]),
        canary=Canary(
            object_id=_text(canary["object_id"]),
            run_at=_number(canary["run_at"]),
            sent_at=_number(canary["sent_at"]),
            uploaded_in=_number(canary["uploaded_in"]),
            was_active=bool(canary["was_active"]),
        )
        if canary
        else None,
        next_canary=NextCanary(_number(following["run_at"]), _text(following["upload_id"])) if following else None,
        canary_seconds=_number_or_none(held["canary_seconds"]),
        peer_api_url=None if held["peer_api_url"] is None else _text(held["peer_api_url"]),
        streak=Streak(int(_number(streak["runs"])), _number(streak["last_at"]), _number_or_none(streak["heartbeat_at"])),
        scan=_scan(scan) if scan else None,
        turn=int(_number(held["turn"])),
    )


def _scan(held: Any) -> Scan:  # noqa: ANN401 - JSON
    scan = Scan(
        hour=_text(held["hour"]),
        partition=int(_number(held["partition"])),
        start_key=held["start_key"],
        digests=dict(held["digests"]),
    )
    begin_of(scan.hour)
    scan.by_prefix()
    return scan


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 - a row is data
    return value


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
