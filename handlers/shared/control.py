"""Who is active: the max-epoch register (data rule 4), as a function of one region reads and claims it.

One control row per region, each written only through its own region; the highest epoch wins. No row means epoch 0, and
a tie goes to the primary, so that a table that nobody has ever failed over has the primary active. To be promoted a
region claims one more than every epoch that it can see. `claims` says what a row is and what is made of a malformed one.
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
    """Reads, and claims, who is active through this region's replica of the table.

    Args:
        dynamodb: A low-level client of the region that the function runs in.
        table_name: The ledger.
        regions: The platform's: the primary, which is active while no row exists and where epochs tie, and the secondary.
        cache_seconds: How long `active` uses an answer before the table is asked again.
        clock: Seconds that never go backwards.
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
        return claims.highest(self.claims().epochs, primary_region=self._regions[0])

    def claims(self) -> Claims:
        """Return what this region's replica holds now; what is malformed is logged when it is first seen.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        rows = claims.read_rows(self._dynamodb, self._table_name, self._regions)
        found = claims.parse(rows.values(), self._regions)
        if found.problems and found.problems != self._reported:
            logger.error("the table holds malformed control rows; they do not count", problems=found.problems)
        self._reported = found.problems
        return found

    def claim(self, region: str, *, claimed_by: str, claimed_at: str, seen: Mapping[str, int] | None = None) -> Active:
        """Claim, for the region that this runs in, to be the active one: one more than every epoch that is visible.

        Args:
            region: This region; its row is written through its own replica only.
            claimed_by: Who does it, for people who read the row later.
            claimed_at: When, as `moments.as_text` writes it.
            seen: Epochs that are known from elsewhere, the other region's replica for example.

        Returns:
            What the register says from now on.

        Raises:
            ClientError: DynamoDB refused; `ConditionalCheckFailedException` if this region's own claim has changed
                since it was read, so that two callers never take the same epoch.
            BotoCoreError: DynamoDB did not answer; it may have written.
            EpochsExhaustedError: The highest possible epoch is claimed already.
        """
        rows = claims.read_rows(self._dynamodb, self._table_name, self._regions)
        epoch = claims.next_epoch(claims.parse(rows.values(), self._regions).epochs, seen or {})
        notes = {"claimed_by": claimed_by, "claimed_at": claimed_at}
        self._dynamodb.put_item(**claims.claim_request(self._table_name, region, epoch, held=rows.get(region), notes=notes))
        return Active(region=region, epoch=epoch)
