"""Who is active: the max-epoch register (data rule 4).

One control row per region, each written only through its own region; the highest epoch wins. No row means epoch 0, and
a tie goes to the primary, so that a table that nobody has ever failed over has the primary active. To be promoted a
region claims one more than every epoch that it can see.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """Reads, and claims, who is active through this region's replica of the table.

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
        return highest_claim(self.claims(), primary_region=self._primary_region)

    def claims(self) -> dict[str, int]:
        """Return each region's claim that this region's replica holds now: its epoch, by region.

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
        return {row[schema.SORT_KEY]["S"]: int(row[schema.EPOCH]["N"]) for row in answer["Items"]}

    def claim(self, region: str, *, claimed_by: str, claimed_at: str, seen: Mapping[str, int] | None = None) -> Active:
        """Claim, for the region that this runs in, to be the active one: one more than every epoch that is visible.

        Args:
            region: This region; its row is written through its own replica only.
            claimed_by: Who does it, for whoever reads the row later.
            claimed_at: When, as `moments.as_text` writes it.
            seen: Claims that are known from elsewhere, the other region's replica for example.

        Returns:
            What the register says from now on.

        Raises:
            ClientError: DynamoDB refused; `ConditionalCheckFailedException` if this region's own claim has changed
                since it was read, so that two callers never take the same epoch.
            BotoCoreError: DynamoDB did not answer; it may have written.
        """
        claims = self.claims()
        epoch = max([0, *claims.values(), *(seen or {}).values()]) + 1
        own = claims.get(region)
        self._dynamodb.put_item(
            TableName=self._table_name,
            Item={
                schema.PARTITION_KEY: {"S": schema.CONTROL},
                schema.SORT_KEY: {"S": region},
                schema.EPOCH: {"N": str(epoch)},
                "claimed_by": {"S": claimed_by},
                "claimed_at": {"S": claimed_at},
            },
            **_if_still(own),
        )
        return Active(region=region, epoch=epoch)


def highest_claim(claims: Mapping[str, int], *, primary_region: str) -> Active:
    """Return the claim with the highest epoch; among equals the primary's, then the first by name.

    Args:
        claims: Epoch by region, from the control rows.
        primary_region: Its epoch is 0 where it has no row.
    """
    epochs = {primary_region: 0, **claims}
    region = min(epochs, key=lambda name: (-epochs[name], name != primary_region, name))
    return Active(region=region, epoch=epochs[region])


def _if_still(own: int | None) -> Any:  # noqa: ANN401 - the arguments of a put
    """Return the condition that a region's own claim is what was read."""
    if own is None:
        return {
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": schema.PARTITION_KEY},
        }
    return {
        "ConditionExpression": "#epoch = :own",
        "ExpressionAttributeNames": {"#epoch": schema.EPOCH},
        "ExpressionAttributeValues": {":own": {"N": str(own)}},
    }
