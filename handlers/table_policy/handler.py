"""Custom resource that sets the resource policy of one replica of a table.

CloudFormation cannot create a replica and its policy in one update, in another region than the stack's
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-considerations.html). So this resource sets it.

Resource properties:

| property   | value                                                                 |
|------------|-----------------------------------------------------------------------|
| `TableArn` | ARN of the replica, which names its region                            |
| `Policy`   | the policy document; it replaces any policy of the replica            |

The physical id is the replica's ARN: an Update to another replica, and a Delete, remove the policy of this one.
"""

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.shared import custom_resource
from handlers.shared.custom_resource import Context, Outcome, PropertyError, Request, RequestType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = Logger()

BLOCKED_ATTEMPTS: Final = 3
BLOCKED_PAUSE_SECONDS: Final = 16.0
"""DynamoDB refuses another change for 15 seconds after one (the page above); all pauses fit into the function's minute."""

_TABLE: Final = re.compile(r"arn:aws[a-z-]*:dynamodb:(?P<region>[a-z0-9-]+):[0-9]{12}:table/[A-Za-z0-9_.-]{3,255}")
_GONE: Final = ("PolicyNotFoundException", "ResourceNotFoundException")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation's request; see `provide`."""
    custom_resource.answer(event, context, provide)


def provide(request: Request) -> Outcome:
    """Set the policy (Create, Update) or remove it (Delete).

    Raises:
        PropertyError: A property is missing or of the wrong type.
        ClientError: DynamoDB returned an error.
    """
    if request.type is RequestType.DELETE:
        table = str(request.physical_resource_id)
        remove_policy(_client(table), table)
        return Outcome(table)
    table, policy = request.text("TableArn"), request.properties.get("Policy")
    if not isinstance(policy, Mapping) or not policy.get("Statement"):
        raise PropertyError(
            f"property Policy of {request.logical_resource_id} is {str(policy)[:200]!r}; "
            "a policy document with a Statement is needed"
        )
    set_policy(_client(table), table, policy)
    return Outcome(table)


def set_policy(dynamodb: "DynamoDBClient", table: str, policy: Mapping[str, Any]) -> None:
    """Set the policy of a replica; write only if it differs.

    Raises:
        ClientError: DynamoDB returned an error.
    """
    if _read(dynamodb, table) == policy:
        logger.info("the table's policy is in place already", table=table)
        return
    for attempt in range(1, BLOCKED_ATTEMPTS + 1):
        try:
            dynamodb.put_resource_policy(ResourceArn=table, Policy=json.dumps(policy, separators=(",", ":")))
            break
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUseException" or attempt == BLOCKED_ATTEMPTS:
                raise
            time.sleep(BLOCKED_PAUSE_SECONDS)
    logger.info("the table's policy is set", table=table)


def remove_policy(dynamodb: "DynamoDBClient", table: str) -> None:
    """Remove the policy of a replica; succeed if the policy or the table does not exist."""
    try:
        dynamodb.delete_resource_policy(ResourceArn=table)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        logger.info("the table or its policy does not exist", table=table)


def _read(dynamodb: "DynamoDBClient", table: str) -> object:
    try:
        return json.loads(dynamodb.get_resource_policy(ResourceArn=table)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "PolicyNotFoundException":
            raise
        return None


def _client(table: str) -> "DynamoDBClient":
    found = _TABLE.fullmatch(table)
    if not found:
        raise PropertyError(
            f"{table!r} is not the ARN of a table; write one like arn:aws:dynamodb:us-east-1:123456789012:table/ledger"
        )
    config = Config(retries={"mode": "standard", "total_max_attempts": 5})
    return boto3.client("dynamodb", region_name=found["region"], config=config)
