"""`AWS::Logs::LogGroup`: the policy of its key must allow CloudWatch Logs.

Faithful: a log group under a key whose policy does not let `logs.<region>.amazonaws.com` encrypt and decrypt for that
group fails to deploy; retention and key are read back.
Different from AWS: events are not expired, and reading them does not need the key.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region

from local_cloud.shims import _permissions, _templates


def install() -> None:
    """Check the key of every log group with one."""
    _templates.extend("AWS::Logs::LogGroup", _apply)


def _apply(group: _templates.Resource) -> _templates.Attributes:
    key, region = group.properties.get("KmsKeyId", ""), get_region()
    arn = f"arn:aws:logs:{region}:{get_account_id()}:log-group:{group.physical_id}"
    context = {"kms:EncryptionContext:aws:logs:arn": arn}
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
        if not _permissions.service_may_use_key(f"logs.{region}.amazonaws.com", action, key, region=region, context=context):
            raise ValueError(
                f"The specified KMS key {key} does not exist or does not let CloudWatch Logs {action} for {arn}."
            )
    return {}
