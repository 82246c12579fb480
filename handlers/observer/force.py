"""Read the row by which an operator forces clients to this region; the observer publishes it every minute.

Route 53 reads the metric of an alarm. If a metric is published only once, CloudWatch and Route 53 later know only its last
state. A metric that is published every minute is 0 or 1 for as long as the observer runs.
"""

from typing import TYPE_CHECKING, Any

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def is_forced(dynamodb: "DynamoDBClient", table_name: str, region: str) -> bool:
    """Return whether clients are forced to `region`; without a row they are not.

    Raises:
        ValueError: The row does not hold a boolean.
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    key: dict[str, Any] = {
        schema.PARTITION_KEY: {"S": schema.force_partition_key(region)},
        schema.SORT_KEY: {"S": schema.LATEST},
    }
    row: dict[str, Any] = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item", {})
    value = row.get(schema.FORCED, {"BOOL": False}).get("BOOL")
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - a row is data
            f"{schema.FORCED} of {schema.force_partition_key(region)} is {row[schema.FORCED]}; true or false is allowed: "
            "type `lockstep force`, or `unforce`"
        )
    return value
