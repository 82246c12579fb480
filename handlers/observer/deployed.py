"""What the deployment writes down for the observers, last: that files replicate both ways, and where each region's API is.

S3 replicates only what is put after a bucket has its rule, and a first deployment sets the secondary's last: a canary that
is sent before would wait in one region for a copy that does not come. An API's id is API Gateway's choice, and the two
regions' stacks refer to nothing of each other. A row of the own replica can be read while the other region is gone; and
nobody but the deployment may write it (`infra/constructs/table_policy.py`).
"""

from typing import TYPE_CHECKING

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def api_hosts(dynamodb: "DynamoDBClient", table_name: str, secondary_region: str) -> dict[str, str] | None:
    """Return the host of each region's API; None while no deployment has written the row.

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
    if "Item" not in answer:
        return None
    held = answer["Item"].get(schema.API_HOSTS, {}).get("M", {})
    return {region: value["S"] for region, value in held.items() if "S" in value}
