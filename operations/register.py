"""The max-epoch register: it holds which region is active, and promotes another one (data rule 4).

Each region has one control row, written only through its own replica. The highest epoch wins; the primary wins a tie. The
handlers' own code (`handlers.shared.claims`) reads the rows, so that the operator and the functions always agree on a
malformed row.

A promotion uses only data-plane calls of DynamoDB in the promoted region: the table's name is known without CloudFormation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from handlers.shared import claims as control_rows
from handlers.shared.claims import Claims, EpochsExhaustedError
from operations.errors import RunFailure
from operations.target import Target

_TRIES: Final = 5
"""Attempts of a promotion. Another operator may promote the same region at the same time, but rarely this often."""


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion.

    Attributes:
        region: The active region.
        epoch: The epoch that it claims.
        before: The region that was active before, as this replica held it.
        already: Whether the region was active already, so that nothing was written.
    """

    region: str
    epoch: int
    before: str
    already: bool


class Register:
    """The register in one region's replica.

    Args:
        target: The deployed platform.
        region: The region to read and to write through.
    """

    def __init__(self, target: Target, region: str) -> None:
        self._client: Any = target.operator_client("dynamodb", region)
        self._table = target.table_name
        self._regions = target.regions
        self.region = region

    def claims(self) -> dict[str, int]:
        """Return the claimed epoch of each region, as this replica holds it. Malformed rows are left out."""
        return dict(claims_of(self._client, self._table, self._regions).epochs)

    def active(self) -> str:
        """Return the active region, as this replica holds it."""
        return active_region(self.claims(), primary=self._regions[0])

    def standing(self) -> Promotion:
        """Return what a promotion would find, without writing.

        Raises:
            RunFailure: The table did not answer.
        """
        try:
            rows = self._rows()
        except (ClientError, BotoCoreError) as error:
            raise self._refusal(error) from error
        return self._standing(rows, control_rows.parse(rows.values(), self._regions).epochs)

    def promote(self, *, at_least: int = 0) -> Promotion:
        """Make this region active; do nothing if it is active already.

        A malformed row of this region is replaced.

        Args:
            at_least: The lowest epoch to claim, above those of the other replica, to end a disagreement of the replicas.

        Raises:
            RunFailure: The table did not answer or refused, others claim at the same time, or no epoch is left.
        """
        try:
            for _ in range(_TRIES):
                promotion = self._try(at_least)
                if promotion:
                    return promotion
        except (ClientError, BotoCoreError) as error:
            raise self._refusal(error) from error
        except EpochsExhaustedError as error:
            raise RunFailure(
                f"{self.region} was not promoted: {error}.",
                hint="Type the command in section 6 of docs/runbook.md; then promote again.",
            ) from error
        raise RunFailure(
            f"{self.region} was not promoted: another process changed its claim {_TRIES} times in a row.",
            hint="Find and stop that process; then type `lockstep status` and try again.",
        )

    def _rows(self) -> dict[str, Any]:
        return control_rows.read_rows(self._client, self._table, self._regions)

    def _refusal(self, error: Exception) -> RunFailure:
        return RunFailure(
            f"{self.region} was not promoted: its table {self._table} answered: {error}",
            hint="Nothing was changed. If this region is unhealthy too, promote the other one.",
        )

    def _standing(self, rows: Mapping[str, Any], epochs: Mapping[str, int]) -> Promotion:
        before = active_region(epochs, primary=self._regions[0])
        is_sound = rows.get(self.region) is None or self.region in epochs
        return Promotion(self.region, epochs.get(self.region, 0), before, already=before == self.region and is_sound)

    def _try(self, at_least: int) -> Promotion | None:
        """Claim once; return None if the region's row changed since it was read."""
        rows = self._rows()
        epochs = control_rows.parse(rows.values(), self._regions).epochs
        standing = self._standing(rows, epochs)
        if standing.already and standing.epoch >= at_least:
            return standing
        before = standing.before
        epoch = max(control_rows.next_epoch(epochs), at_least)
        request = control_rows.claim_request(self._table, self.region, epoch, held=rows.get(self.region))
        try:
            self._client.put_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return Promotion(self.region, epoch, before, already=False)


def claims_of(client: Any, table: str, regions: tuple[str, str]) -> Claims:  # noqa: ANN401 - a boto3 client
    """Return the regions' claims in a replica, and the malformed rows."""
    return control_rows.parse(control_rows.read_rows(client, table, regions).values(), regions)


def active_region(epochs: Mapping[str, int], *, primary: str) -> str:
    """Return the region with the highest epoch; in a tie the primary, then the first by name.

    Args:
        epochs: Epoch by region. A region without a claim is absent; an absent primary counts as epoch 0.
        primary: The primary's region.
    """
    return control_rows.highest(epochs, primary_region=primary).region
