"""Writes rows that only this region owns."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT: Final = "at"
"""Attribute: when a row was written, in epoch seconds."""
FURTHEST_AHEAD_SECONDS: Final = 3600.0
"""Largest lead of a clock; a row with a later time is faulty and is overwritten."""


def put_unless_newer(dynamodb: "DynamoDBClient", table_name: str, item: dict[str, Any], *, at: float) -> bool:
    """Write a row of this region unless the stored one is newer; return whether it was written.

    A request that timed out may still arrive one run later, and must not overwrite newer data. A stored row without a time,
    or with a time in the future, is overwritten.

    Raises:
        ClientError: DynamoDB returned an error.
        BotoCoreError: DynamoDB did not answer; it may have written the row.
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
