"""Who is active: the max-epoch register (data rule 4).

One control row per region, each written only through its own region; the highest epoch wins. No row means epoch 0, and
a tie goes to the primary, so that a table that nobody has ever failed over has the primary active.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(child=True)


@dataclass(frozen=True)
class Active:
    """What the register says."""

    region: str
    """The active region's AWS name."""
    epoch: int
    """Of the winning claim; 0 while nobody has ever claimed."""


class ControlRegister:
    """Reads who is active through this region's replica of the table.

    Args:
        dynamodb: A low-level client of the region that the function runs in.
        table_name: The ledger.
        primary_region: Active while no row exists, and where epochs tie.
        cache_seconds: How long `active` uses an answer before the table is asked again.
        clock: Seconds that never go backwards.
    """

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        table_name: str,
        primary_region: str,
        cache_seconds: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._primary_region = primary_region
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._last: Active | None = None
        self._last_asked = 0.0

    def active(self) -> Active:
        """Return who is active, at most `cache_seconds` old while the table can be read.

        A region that cannot read the register keeps its last known state: effects are idempotent, so what a stale
        answer costs is work done twice, never a wrong result.

        Raises:
            ClientError: The register cannot be read and was never read before.
            BotoCoreError: Likewise, for a table that does not answer.
        """
        now = self._clock()
        if self._last is not None and now - self._last_asked < self._cache_seconds:
            return self._last
        try:
            self._last = self.read()
        except (ClientError, BotoCoreError):
            if self._last is None:
                raise
            logger.warning("the control register cannot be read; keeping %s", self._last, exc_info=True)
        self._last_asked = now
        return self._last

    def active_region(self) -> str:
        """Return the active region's AWS name; see `active`."""
        return self.active().region

    def read(self) -> Active:
        """Ask the table now, past the cache and with no fallback (for a deep health check).

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :control",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            ExpressionAttributeValues={":control": {"S": schema.CONTROL}},
            ConsistentRead=True,
        )
        claims = {row[schema.SORT_KEY]["S"]: int(row[schema.EPOCH]["N"]) for row in answer["Items"]}
        return highest_claim(claims, primary_region=self._primary_region)


def highest_claim(claims: dict[str, int], *, primary_region: str) -> Active:
    """Return the claim with the highest epoch; among equals the primary's, then the first by name.

    Args:
        claims: Epoch by region, from the control rows.
        primary_region: Its epoch is 0 where it has no row.
    """
    epochs = {primary_region: 0} | claims
    region = min(epochs, key=lambda name: (-epochs[name], name != primary_region, name))
    return Active(region=region, epoch=epochs[region])
