"""Replication of secrets: a change reaches its replicas late, and not at all while it cannot travel.

Faithful: values, stages and tags reach a replica after the lag, once both regions are up and replication is not cut;
DescribeSecret tells InProgress until then, and InSync afterwards.
Different from AWS: a replica that cannot be brought up to date is never Failed; it stays InProgress and catches up.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from functools import partial
from typing import Any

from ministack.services import secretsmanager

from integration_tests.local_cloud.replicator import replicator

_Secret = dict[str, Any]


def install() -> None:
    """Send changes through the replicator instead of making them in every region at once."""
    stock = secretsmanager._sync_replicas

    def send(secret: _Secret) -> None:
        home = secret["ARN"].split(":")[3]
        for replica in secret.get("ReplicationStatus", []):
            replica["Status"] = "InProgress"
            replicator.send(home, replica["Region"], partial(land, secret, replica))

    def land(secret: _Secret, replica: _Secret) -> None:
        # What is copied is the secret as it is by now, so that the last change to travel brings all of them.
        stock({**secret, "ReplicationStatus": [replica]})
        replica["Status"] = "InSync"

    secretsmanager._sync_replicas = send
