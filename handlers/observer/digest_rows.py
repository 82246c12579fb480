"""Read and write the rows of digests: each region has its own, by hour and prefix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from handlers.observer.digests import HOUR_SECONDS, Digest, begin_of
from handlers.shared import schema
from handlers.shared.own_rows import AT, put_unless_newer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger(child=True)

Place = tuple[str, str]
"""An hour and a prefix."""

_AFTER_ALL_PREFIXES: Final = "~"


@dataclass(frozen=True)
class DigestRow:
    """A digest and its time."""

    digest: Digest
    at: float
    """Epoch seconds."""

    def is_closed(self, hour: str) -> bool:
        """Return whether the hour had ended at least one hour before the digest was made."""
        return self.at >= begin_of(hour) + 2 * HOUR_SECONDS


class DigestStore:
    """Reads both regions' rows, and writes this one's, through this region's replica.

    Args:
        dynamodb: A low-level client of this region.
        table_name: The table.
        region: This region.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._region = region

    def rows(self, region: str, *, first_hour: str, last_hour: str) -> dict[Place, DigestRow]:
        """Return a region's rows from the first to the last hour, without malformed ones.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY, "#sk": schema.SORT_KEY},
            ExpressionAttributeValues={
                ":pk": {"S": schema.digest_partition_key(region)},
                ":first": {"S": first_hour},
                ":last": {"S": last_hour + _AFTER_ALL_PREFIXES},
            },
            ConsistentRead=True,
        )
        found = (_parse(item) for page in pages for item in page["Items"])
        return dict(one for one in found if one is not None)

    def write(self, place: Place, row: DigestRow) -> None:
        """Write one of this region's rows.

        Raises:
            ClientError: DynamoDB refused.
            BotoCoreError: DynamoDB did not answer.
        """
        objects, identities, effects = row.digest.as_list()
        item: dict[str, Any] = {
            schema.PARTITION_KEY: {"S": schema.digest_partition_key(self._region)},
            schema.SORT_KEY: {"S": schema.digest_sort_key(*place)},
            "objects": {"N": str(objects)},
            "identities": {"S": identities},
            "effects": {"S": effects},
        }
        put_unless_newer(self._dynamodb, self._table_name, item, at=row.at)


def _parse(item: dict[str, Any]) -> tuple[Place, DigestRow] | None:
    try:
        hour, _, prefix = item[schema.SORT_KEY]["S"].partition("#")
        begin_of(hour)
        values = [item["objects"]["N"], item["identities"]["S"], item["effects"]["S"]]
        return (hour, prefix), DigestRow(Digest.of_list(values), float(item[AT]["N"]))
    except (KeyError, ValueError, TypeError, OverflowError):
        logger.warning("a digest's row is malformed; it is ignored", row=str(item)[:500], exc_info=True)
        return None
