"""Custom resource that removes every rule of a VPC's default security group.

The group cannot be deleted. Its initial rules let its members reach each other and the internet, and every network interface
without another group gets this one.

Resource property: `DefaultSecurityGroupId`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.shared import custom_resource
from handlers.shared.custom_resource import Context, Outcome, Request, RequestType

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

logger = Logger()

_ROUNDS: Final = 4


class StillOpenError(Exception):
    """Raised when the group has rules although they were revoked."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation's request; see `close`."""
    custom_resource.answer(event, context, close)


def close(request: Request) -> Outcome:
    """Revoke every rule of the group that the request names. A Delete leaves the group closed.

    Raises:
        PropertyError: The request does not name the group.
        ClientError: EC2 returned an error.
    """
    group_id = request.text("DefaultSecurityGroupId")
    if request.type is not RequestType.DELETE:
        ec2 = boto3.client("ec2", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
        revoke_all(ec2, group_id)
    return Outcome(f"default-security-group/{group_id}")


def revoke_all(ec2: "EC2Client", group_id: str) -> None:
    """Revoke every rule of a security group.

    Raises:
        StillOpenError: The group has rules after several rounds: something else keeps adding them.
        ClientError: EC2 returned an error.
    """
    for _ in range(_ROUNDS):
        group = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
        ingress, egress = group.get("IpPermissions", []), group.get("IpPermissionsEgress", [])
        if not ingress and not egress:
            logger.info("the default security group is closed", group_id=group_id)
            return
        # Another delivery of the same event may revoke a rule first; the next round revokes the remaining ones.
        with _already_revoked():
            if ingress:
                ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
            if egress:
                ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=egress)
    raise StillOpenError(f"{group_id} still has rules after {_ROUNDS} rounds of revoking; find out what adds them")


@contextmanager
def _already_revoked() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidPermission.NotFound":
            raise
