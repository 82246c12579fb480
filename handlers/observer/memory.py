"""The observer's state between runs, in a row of its own region."""

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
    """The canary of a run; a retry of the run sends the same one."""

    run_at: float
    """Scheduled time of the run, in epoch seconds."""
    upload_id: str


@dataclass(frozen=True)
class Memory:
    """The whole state; the defaults are the state of an observer that has never run."""

    run_at: float = 0.0
    """Scheduled time of the last run, in epoch seconds."""
    canary: Canary | None = None
    """The canary in progress."""
    next_canary: NextCanary | None = None
    """The canary that the run sends, stored before it is sent."""
    canary_seconds: float | None = None
    """Seconds of the last canary that was judged; `LOST` for a lost one."""
    peer_api_url: str | None = None
    """URL of the peer's API, from the deployment's row."""
    streak: Streak = field(default_factory=Streak)
    """Consecutive runs in which the peer was dead."""
    scan: Scan | None = None
    """An hour whose digest one run could not finish."""
    turn: int = 0
    """Number of hours that were scanned, which rotates the order of the hours."""

    def of_the_past(self, now: float) -> "Memory":
        """Return the state, or an empty one if it holds a time in the future, until which every step would wait.

        Args:
            now: Epoch seconds.
        """
        times = (self.run_at, self.streak.last_at, *((self.canary.run_at, self.canary.sent_at) if self.canary else ()))
        if max(times) <= now + FURTHEST_AHEAD_SECONDS:
            return self
        logger.warning("the observer's memory holds a time in the future; it starts empty", times=times)
        return Memory()


class MemoryStore:
    """Reads and writes the row of the state.

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
        """Return the stored state; an empty one if there is none or this release cannot read it.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=self._key, ConsistentRead=True)
        text = answer.get("Item", {}).get("memory", {}).get("S")
        return parse(text) if text else Memory()

    def keep(self, memory: Memory, now: float) -> None:
        """Store the state unless a later run has.

        Args:
            memory: The state.
            now: Epoch seconds.
        """
        put_unless_newer(
            self._dynamodb, self._table_name, {**self._key, "memory": {"S": json.dumps(asdict(memory))}}, at=now
        )


def parse(text: str) -> Memory:
    """Parse the JSON of a stored state; any other text gives an empty state. Never raises."""
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        logger.warning("the observer's memory cannot be read; it starts empty", memory=text[:1000], exc_info=True)
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
        raise ValueError(f"{value!r} is not a number")
    return value


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004 - a row is data
    return value


def canary_seconds(memory: Memory, *, verdict: float | None, uploaded_in: float | None) -> float | None:
    """Return the newest known seconds of canaries.

    Args:
        memory: The state of the last run.
        verdict: Seconds of the canary that this run judged; None if it judged none.
        uploaded_in: Seconds of this run's upload; `LOST` if it failed; None if it sent none.
    """
    if uploaded_in == LOST:
        return LOST
    known = verdict if verdict is not None else memory.canary_seconds
    return known if known is not None else uploaded_in
