"""Replication of secrets: a change reaches its replicas after a delay, and not while replication is down.

Faithful: values, stages and tags reach a replica after the lag, once both regions are up and replication is not cut;
a value is encrypted with the replica's key on behalf of the caller, who needs its kms:Encrypt, kms:GenerateDataKey and
kms:Decrypt; without them the call succeeds, the replica is unchanged and its status is Failed; DescribeSecret returns
InProgress until a change has arrived, and InSync afterwards.
Different from AWS: nothing is tried again after Failed; the next change includes all earlier ones.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from ministack import app
from ministack.services import secretsmanager

from local_cloud.replicator import SECRETS, replicator
from local_cloud.shims import _permissions

_Secret = dict[str, Any]
_NEEDED: Final = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
_caller: Final[ContextVar[_permissions.Principal]] = ContextVar("secret_caller", default=None)


def install() -> None:
    """Replicate changes through the replicator instead of in every region at once."""
    stock = secretsmanager._sync_replicas
    _remember_caller()

    def send(secret: _Secret) -> None:
        home = secret["ARN"].split(":")[3]
        for replica in secret.get("ReplicationStatus", []):
            replica.pop("StatusMessage", None)
            if refused := _refused(secret, replica):
                replica["Status"] = "Failed"
                replica["StatusMessage"] = refused
                continue
            replica["Status"] = "InProgress"
            replicator.send(home, replica["Region"], partial(land, secret, replica), service=SECRETS, identity=secret["ARN"])

    def land(secret: _Secret, replica: _Secret) -> None:
        # What is copied is the secret as it is by now, so that the last change to travel brings all of them.
        stock({**secret, "ReplicationStatus": [replica]})
        replica["Status"] = "InSync"

    secretsmanager._sync_replicas = send


def _remember_caller() -> None:
    stock = secretsmanager.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:  # noqa: ANN401
        _caller.set(_permissions.of_access_key(app.extract_access_key_id(headers, query) or ""))
        return await stock(method, path, headers, body, query)

    secretsmanager.handle_request = handle


def _refused(secret: _Secret, replica: _Secret) -> str | None:
    """Return AWS's message if the caller may not use the replica's key; None if it may. Root always may."""
    caller, key = _caller.get(), replica.get("KmsKeyId") or ""
    if caller is None or caller.policies is None or _permissions.is_aws_managed(key):
        return None
    found = _permissions.key_and_context(key, replica["Region"], "secretsmanager")
    if found is None:
        return f"The KMS key {key} is disabled or does not exist."
    arn, conditions = found
    context = {**conditions, "kms:EncryptionContext:SecretARN": secret["ARN"]}
    for action in _NEEDED:
        if not _permissions.may(caller, action, arn, region=replica["Region"], context=context):
            return f"Access to KMS is not allowed: {caller.arn} is not authorized to perform {action} on {arn}"
    return None
