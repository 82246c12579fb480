"""Writing the rows that this region alone owns."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT: Final = "at"
"""When a row was written, in epoch seconds."""
FURTHEST_AHEAD_SECONDS: Final = 3600.0
"""No clock is further ahead; a row that says so is of a fault, and is written over."""


def put_unless_newer(dynamodb: "DynamoDBClient", table_name: str, item: dict[str, Any], *, at: float) -> bool:
    """Write a row of this region, unless the one that is there is newer; return whether it was written.

    A call that was given up may still arrive, a run later; it must not bring back what was. A row without a time, or with
    one that is yet to come, holds nothing up.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer; it may have written.
    """
    with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=table_name,
            Item={**item, AT: {"N": f"{at:.3f}"}},
            ConditionExpression=(
                "attribute_not_exists(#at) OR NOT attribute_type(#at, :number) OR #at <= :at OR #at > :ahead"
            ),
            ExpressionAttributeNames={"#at": AT},
            ExpressionAttributeValues={
                ":at": {"N": f"{at:.3f}"},
                ":ahead": {"N": f"{at + FURTHEST_AHEAD_SECONDS:.3f}"},
                ":number": {"S": "N"},
            },
        )
        return True
    return False
