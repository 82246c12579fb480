"""Writing the rows that this region alone owns."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT: Final = "at"
"""When a row was written, in epoch seconds."""


def put_unless_newer(dynamodb: "DynamoDBClient", table_name: str, item: dict[str, Any], *, at: float) -> bool:
    """Write a row of this region, unless the one that is there is newer; return whether it was written.

    A call that was given up may still arrive, a run later; it must not bring back what was.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer; it may have written.
    """
    with suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=table_name,
            Item={**item, AT: {"N": f"{at:.3f}"}},
            ConditionExpression="attribute_not_exists(#pk) OR #at <= :at",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY, "#at": AT},
            ExpressionAttributeValues={":at": {"N": f"{at:.3f}"}},
        )
        return True
    return False
