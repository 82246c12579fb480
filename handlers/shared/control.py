"""The control register of the active region (data rule 4), as a function of one region reads and claims it.

Each region has one control row, which is written only through that region; the highest epoch wins. No row means epoch 0, and
in a tie the primary wins, so the primary is active in a new table. To promote itself a region claims one more than every
visible epoch. `claims` defines the rows and handles malformed ones.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import claims
from handlers.shared.claims import Active, Claims

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(child=True)


class ControlRegister:
    """Reads and claims the active role through this region's replica of the table.

    Args:
        dynamodb: A low-level client of the region that the function runs in.
        table_name: Name of the table.
        regions: The primary, which is active while no row exists and in a tie, and the secondary.
        cache_seconds: How long `active` uses an answer before it reads the table again.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        *,
        dynamodb: "DynamoDBClient",
        table_name: str,
        regions: tuple[str, str],
        cache_seconds: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._regions = regions
        self._cache_seconds = cache_seconds
        self._clock = clock
        self._last: Active | None = None
        self._last_asked = 0.0
        self._reported: tuple[str, ...] = ()

    def active(self) -> Active:
        """Return the active region, at most `cache_seconds` old while the table can be read.

        A region that cannot read the register keeps its last known state. Effects are idempotent, so a stale answer costs
        repeated work, never a wrong result.

        Raises:
            ClientError: The register cannot be read and was never read before.
            BotoCoreError: The table does not answer and never did.
        """
        now = self._clock()
        if self._last is not None and now - self._last_asked < self._cache_seconds:
            return self._last
        try:
            self._last = self.read()
        except (ClientError, BotoCoreError):
            if self._last is None:
                raise
            logger.warning("the control register cannot be read; %s stays in use", self._last, exc_info=True)
        self._last_asked = now
        return self._last

    def active_region(self) -> str:
        """Return the active region's AWS name; see `active`."""
        return self.active().region

    def read(self) -> Active:
        """Read the table now, without the cache, for a readiness check.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        return claims.highest(self.claims().epochs, primary_region=self._regions[0])

    def claims(self) -> Claims:
        """Return the claims in this region's replica now; a malformed row is logged when it first appears.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        rows = claims.read_rows(self._dynamodb, self._table_name, self._regions)
        found = claims.parse(rows.values(), self._regions)
        if found.problems and found.problems != self._reported:
            logger.error("the table holds malformed control rows; they do not count", problems=found.problems)
        self._reported = found.problems
        return found

    def claim(self, region: str, *, claimed_by: str, claimed_at: str, seen: Mapping[str, int] | None = None) -> Active:
        """Claim the active role for this region, with one more than every visible epoch.

        Args:
            region: This region; its row is written only through its own replica.
            claimed_by: Name of the claimant, for operators who read the row later.
            claimed_at: Time of the claim, in the form of `timestamps.as_text`.
            seen: Epochs from another source, such as the other region's replica.

        Returns:
            The new active region and epoch.

        Raises:
            ClientError: DynamoDB returned an error; `ConditionalCheckFailedException` if this region's claim has changed
                since it was read, which prevents two callers from claiming the same epoch.
            BotoCoreError: DynamoDB did not answer; it may have written the row.
            EpochsExhaustedError: The highest possible epoch is claimed already.
        """
        rows = claims.read_rows(self._dynamodb, self._table_name, self._regions)
        epoch = claims.next_epoch(claims.parse(rows.values(), self._regions).epochs, seen or {})
        notes = {"claimed_by": claimed_by, "claimed_at": claimed_at}
        self._dynamodb.put_item(**claims.claim_request(self._table_name, region, epoch, held=rows.get(region), notes=notes))
        return Active(region=region, epoch=epoch)
