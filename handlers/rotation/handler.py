"""Secrets Manager's rotation function for the receipt-signing secret.

Secrets Manager invokes it four times for a new version: createSecret, setSecret, testSecret, finishSecret. Each step
may be delivered again, so each is idempotent. The former current version stays as AWSPREVIOUS, so its receipts verify
until the next rotation.
"""

from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from handlers.rotation.steps import Rotation

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()

_CONFIG: Final = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Do one step of a rotation.

    Args:
        event: `Step`, `SecretId` (an ARN) and `ClientRequestToken` (the new version's id).

    Raises:
        RotationRefusedError: The secret is not being rotated to that version, or the step is unknown.
        ClientError: Secrets Manager returned an error; it invokes the step again.
    """
    rotation = Rotation(
        client=boto3.client("secretsmanager", config=_CONFIG),
        secret_id=event["SecretId"],
        version_id=event["ClientRequestToken"],
    )
    rotation.run(event["Step"])
    logger.info("a rotation step is done", step=event["Step"], version_id=event["ClientRequestToken"])
