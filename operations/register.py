"""The max-epoch register: who is active, and how another region becomes it (data rule 4).

One control row per region, each written only through its own region's replica; the highest epoch wins, and a tie is the
primary's. So a promotion is data-plane calls of DynamoDB in the region that is promoted, and of nothing else: the table's
name is known without asking CloudFormation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.failure import RunFailure
from operations.target import Target

_CONTROL: Final = "CONTROL#ACTIVE"
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
        self._client: Any = target.client("dynamodb", region)
        self._table = target.table_name
        self._primary = target.primary
        self.region = region

    def claims(self) -> dict[str, int]:
        """Return each region's claim that this replica holds: its epoch, by region."""
        return claims_of(self._client, self._table)

    def active(self) -> str:
        """Return the region that is active, as this replica knows it."""
        return active_region(self.claims(), primary=self._primary)

    def promote(self) -> Promotion:
        """Make this region the active one; do nothing if it is.

        Raises:
            RunFailure: The region's table did not answer or refused, or others claim without end.
        """
        try:
            for _ in range(_TRIES):
                claims = self.claims()
                before = active_region(claims, primary=self._primary)
                if before == self.region:
                    return Promotion(self.region, claims.get(self.region, 0), before, already=True)
                epoch = max(claims.values(), default=0) + 1
                if self._claim(epoch):
                    return Promotion(self.region, epoch, before, already=False)
        except (ClientError, BotoCoreError) as error:
            raise RunFailure(
                f"{self.region} was not promoted: its table {self._table} says: {error}",
                hint="Nothing was changed. If this region is ill too, promote the other one.",
            ) from error
        raise RunFailure(
            f"{self.region} was not promoted: somebody claims it at the same time, {_TRIES} times in a row.",
            hint="Find out who; then look at `nox -s operate -- status` and try again.",
        )

    def _claim(self, epoch: int) -> bool:
        """Write this region's claim; return False if it holds as high a one by now."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item={"pk": {"S": _CONTROL}, "sk": {"S": self.region}, "epoch": {"N": str(epoch)}},
                ConditionExpression="attribute_not_exists(pk) OR epoch < :epoch",
                ExpressionAttributeValues={":epoch": {"N": str(epoch)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def claims_of(client: Any, table: str) -> dict[str, int]:  # noqa: ANN401 - a boto3 client
    """Return each region's claim that a replica holds: its epoch, by region."""
    answer = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": _CONTROL}},
        ConsistentRead=True,
    )
    return {row["sk"]["S"]: int(row["epoch"]["N"]) for row in answer["Items"]}


def active_region(claims: dict[str, int], *, primary: str) -> str:
    """Return the region with the highest epoch; among equals the primary, then the first by name.

    Args:
        claims: Epoch by region. A region without a row has claimed nothing; the primary then has epoch 0.
        primary: The primary's region.
    """
    epochs = {primary: 0} | claims
    return min(epochs, key=lambda region: (-epochs[region], region != primary, region))
