"""The max-epoch register: who is active, and how another region becomes it (data rule 4).

One control row per region, each written only through its own region's replica; the highest epoch wins, and a tie is the
primary's. The rows are read by the handlers' own code, `handlers.shared.claims`: were the two to read a malformed row
differently, the operator would see another region active than the functions do.

A promotion is data-plane calls of DynamoDB in the region that is promoted, and of nothing else: the table's name is known
without asking CloudFormation.
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
"""Somebody else may promote the same region at the same moment; more often than this it is no coincidence."""


@dataclass(frozen=True)
class Promotion:
    """What a promotion came to.

    Attributes:
        region: The region that is active now.
        epoch: Its claim.
        before: The region that was active before, as this region knew it.
        already: Whether it was active before, so that nothing was written.
    """

    region: str
    epoch: int
    before: str
    already: bool


class Register:
    """The register as one region's replica holds it.

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
        """Return each region's claim that this replica holds: its epoch, by region. Malformed rows are left out."""
        return dict(claims_of(self._client, self._table, self._regions).epochs)

    def active(self) -> str:
        """Return the region that is active, as this replica knows it."""
        return active_region(self.claims(), primary=self._regions[0])

    def promote(self) -> Promotion:
        """Make this region the active one; do nothing if it is.

        A row of this region that is not a sound claim is replaced by one that is.

        Raises:
            RunFailure: The region's table did not answer or refused, others claim without end, or no epoch is left.
        """
        try:
            for _ in range(_TRIES):
                promotion = self._try()
                if promotion:
                    return promotion
        except (ClientError, BotoCoreError) as error:
            raise RunFailure(
                f"{self.region} was not promoted: its table {self._table} says: {error}",
                hint="Nothing was changed. If this region is ill too, promote the other one.",
            ) from error
        except EpochsExhaustedError as error:
            raise RunFailure(
                f"{self.region} was not promoted: {error}.",
                hint="Section 6 of docs/runbook.md shows the command; then promote again.",
            ) from error
        raise RunFailure(
            f"{self.region} was not promoted: somebody claims it at the same time, {_TRIES} times in a row.",
            hint="Find out who; then look at `nox -s operate -- status` and try again.",
        )

    def _rows(self) -> dict[str, Any]:
        return control_rows.read_rows(self._client, self._table, self._regions)

    def _try(self) -> Promotion | None:
        """Claim once; return None if the region's row has changed since it was read."""
        rows = self._rows()
        epochs = control_rows.parse(rows.values(), self._regions).epochs
        before = active_region(epochs, primary=self._regions[0])
        held = rows.get(self.region)
        if before == self.region and (held is None or self.region in epochs):
            return Promotion(self.region, epochs.get(self.region, 0), before, already=True)
        epoch = control_rows.next_epoch(epochs)
        request = control_rows.claim_request(self._table, self.region, epoch, held=held)
        try:
            self._client.put_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return Promotion(self.region, epoch, before, already=False)


def claims_of(client: Any, table: str, regions: tuple[str, str]) -> Claims:  # noqa: ANN401 - a boto3 client
    """Return what a replica holds of the register: the regions' claims, and what is malformed."""
    return control_rows.parse(control_rows.read_rows(client, table, regions).values(), regions)


def active_region(epochs: Mapping[str, int], *, primary: str) -> str:
    """Return the region with the highest epoch; among equals the primary, then the first by name.

    Args:
        epochs: Epoch by region. A region without a claim has none; the primary then has epoch 0.
        primary: The primary's region.
    """
    return control_rows.highest(epochs, primary_region=primary).region
