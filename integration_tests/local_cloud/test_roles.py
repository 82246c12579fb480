"""Test the permissions boundary of a role that a template creates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, allow, assume, deploy, role

if TYPE_CHECKING:
    from local_cloud import LocalCloud

_BOUNDARY: Final = "boundary-of-the-tests"


def bounded(cloud: LocalCloud, boundary: str | None) -> dict[str, Any]:
    """Return a role that may list queues and topics, with a boundary."""
    made = role(cloud.account, allow("sqs:ListQueues", "sns:ListTopics"))
    if boundary:
        made["Properties"]["PermissionsBoundary"] = boundary
    return {"Role": made}


def test_boundary_of_a_role_limits_it_until_it_is_removed(cloud: LocalCloud) -> None:
    iam = cloud.client("iam", EAST)
    policy = cfn.policy_document(allow("sqs:*"))
    arn = iam.create_policy(PolicyName=_BOUNDARY, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    stack = deploy(cloud, bounded(cloud, arn), region=EAST)
    assert iam.get_role(RoleName=stack["Role"])["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert [may_list(cloud, stack["Role"], service) for service in ("sqs", "sns")] == [True, False]
    stack.update(bounded(cloud, None))
    assert [may_list(cloud, stack["Role"], service) for service in ("sqs", "sns")] == [True, True]


def test_boundary_that_does_not_exist_fails_the_deployment(cloud: LocalCloud) -> None:
    with pytest.raises(AssertionError, match="nowhere"):
        deploy(cloud, bounded(cloud, f"arn:aws:iam::{cloud.account}:policy/nowhere"), region=EAST)


def may_list(cloud: LocalCloud, role_name: str, service: str) -> bool:
    """Return whether a session of the role may list the queues or the topics."""
    client = assume(cloud, f"arn:aws:iam::{cloud.account}:role/{role_name}", service)
    try:
        client.list_queues() if service == "sqs" else client.list_topics()
    except ClientError as error:
        assert "AccessDenied" in error.response["Error"]["Code"] or "Authorization" in error.response["Error"]["Code"]
        return False
    return True
