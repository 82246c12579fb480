"""Read the row that the deployment writes last: files replicate both ways, and the hosts of both regions' APIs.

S3 replicates only objects that are put after the rule, and a first deployment sets the secondary's rule last. A canary that
is sent earlier would wait for a copy that never arrives. API Gateway chooses the id of an API, and the stacks of the two
regions have no references to each other. The row in the own replica can be read while the other region is lost, and only the
deployment may write it (`infra/constructs/table_policy.py`).
"""

from typing import TYPE_CHECKING

from handlers.shared import schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def api_hosts(dynamodb: "DynamoDBClient", table_name: str, secondary_region: str) -> dict[str, str] | None:
    """Return the host of each region's API; None before a deployment has written the row.

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
