"""Whether files replicate both ways yet: a row that the deployment writes once, when the second rule is set.

S3 replicates only what is put after a bucket has its rule, and a first deployment sets the secondary's last: a canary that
is sent before would wait in one region for a copy that does not come. A row of the own replica can be read while the other
region is gone; the two buckets' rules cannot.
"""

from typing import TYPE_CHECKING

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def is_ready(dynamodb: "DynamoDBClient", table_name: str, secondary_region: str) -> bool:
    """Return whether the row is there.

    Raises:
        ClientError: DynamoDB refused.
        BotoCoreError: DynamoDB did not answer.
    """
    answer = dynamodb.get_item(
        TableName=table_name,
        Key={
            schema.PARTITION_KEY: {"S": schema.replication_partition_key(secondary_region)},
            schema.SORT_KEY: {"S": schema.READY},
        },
        ConsistentRead=True,
    )
    return "Item" in answer
