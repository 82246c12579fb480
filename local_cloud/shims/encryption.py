"""KMS for other services: a caller that reads or writes encrypted data needs permission to use its key.

Faithful: S3 objects (kms:Decrypt to get, kms:GenerateDataKey to put), SQS messages (both to send, kms:Decrypt to
receive), secrets (kms:Decrypt to get, kms:GenerateDataKey and kms:Decrypt to put) and items of DynamoDB tables
(kms:Decrypt) under a customer managed key need the caller's permission and the key policy's; S3 events into an
encrypted queue and alarms into an encrypted topic need a key policy that admits the service; a disabled key
allows no use.
Different from AWS: the account's root is never denied; data keys are not cached, so a change of policy works at once;
the bytes at rest are not encrypted.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ministack import app
from ministack.core.responses import get_region
from ministack.services import cloudwatch, dynamodb, s3, secretsmanager, sns, sqs

from local_cloud.shims import _permissions, object_encryption

Headers = dict[str, str]
Answer = Any
_READS: Final = ("kms:Decrypt",)
_WRITES: Final = ("kms:GenerateDataKey", "kms:Decrypt")
_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"
_SQS_NEEDS: Final = {"SendMessage": _WRITES, "SendMessageBatch": _WRITES, "ReceiveMessage": _READS}
_SECRET_NEEDS: Final = {"GetSecretValue": _READS, "PutSecretValue": _WRITES}
TABLE_ACTIONS: Final = (
    *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
    *("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"),
)
_log: Final = logging.getLogger("local_cloud.encryption")


def install() -> None:
    """Check keys when data is read and written."""
    _guard(s3, _s3_refusal)
    _guard(sqs, _sqs_refusal)
    _guard(secretsmanager, _secret_refusal)
    _guard(dynamodb, _table_refusal)
    _check_events()
    _check_alarm_actions()


def _guard(module: Any, refusal: Callable[[str, str, Headers, bytes, Any], Answer | None]) -> None:  # noqa: ANN401
    stock = module.handle_request

    async def handle(method: str, path: str, headers: Headers, body: bytes, query: Any) -> Answer:  # noqa: ANN401
        return refusal(method, path, headers, body, query) or await stock(method, path, headers, body, query)

    module.handle_request = handle


@dataclass(frozen=True)
class _Use:
    """The key, actions and context of a request."""

    key: str
    actions: tuple[str, ...]
    service: str
    region: str
    context: dict[str, str] = field(default_factory=dict)


def _denied(headers: Headers, query: Any, use: _Use) -> str | None:  # noqa: ANN401  parsed query parameters
    """Return AWS's message if the caller may not use a key; None if it may."""
    if _permissions.is_aws_managed(use.key):
        return None
    principal = _permissions.of_access_key(app.extract_access_key_id(headers, query) or "")
    if principal is None or principal.policies is None:
        return None
    found = _permissions.key_and_context(use.key, use.region, use.service)
    if found is None:
        return f"The KMS key {use.key} is disabled or does not exist."
    arn, conditions = found
    for action in use.actions:
        if not _permissions.may(principal, action, arn, region=use.region, context={**conditions, **use.context}):
            return f"User: {principal.arn} is not authorized to perform: {action} on resource: {arn}"
    return None


def _s3_refusal(method: str, path: str, headers: Headers, _body: bytes, query: Any) -> Answer | None:  # noqa: ANN401
    bucket, _, name = path.lstrip("/").partition("/")
    record = s3._buckets.get(bucket)
    if record is None or not name:
        return None
    if method == "GET" and not _names_subresource(query):
        key, actions = _stored_key(bucket, name, query), _READS
    elif (method == "PUT" and not _names_subresource(query)) or (method == "POST" and "uploads" in query):
        settled, error = s3._resolve_sse_write_headers(headers, bucket)
        key, actions = ("" if error else (settled or {}).get(_KEY_HEADER, "")), ("kms:GenerateDataKey",)
    else:
        return None
    denial = _denied(headers, query, _Use(key, actions, "s3", record["region"], _s3_context(bucket, name)))
    return s3._error("AccessDenied", denial, 403) if denial else None


def _names_subresource(query: Any) -> bool:  # noqa: ANN401  parsed query parameters
    return any(name in query for name in ("tagging", "acl", "retention", "legal-hold", "attributes", "uploadId", "torrent"))


def _stored_key(bucket: str, name: str, query: Any) -> str:  # noqa: ANN401  parsed query parameters
    wanted = (query.get("versionId") or [""])[0] if isinstance(query.get("versionId"), list) else query.get("versionId")
    current = s3._buckets[bucket]["objects"].get(name) or {}
    records = (
        [current] if not wanted else [v for v in s3._object_versions.get((bucket, name)) or [] if v["version_id"] == wanted]
    )
    key: str = (records[0].get("preserved_headers", {}) if records else {}).get(_KEY_HEADER, "")
    return key


def _s3_context(bucket: str, name: str) -> dict[str, str]:
    with_bucket_key = object_encryption.default_uses_bucket_key(bucket)
    return {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}" + ("" if with_bucket_key else f"/{name}")}


def _sqs_refusal(_method: str, path: str, headers: Headers, body: bytes, query: Any) -> Answer | None:  # noqa: ANN401
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in _SQS_NEEDS:
        return None
    queue = sqs._queues.get(sqs._queue_url((json.loads(body).get("QueueUrl") or path).rpartition("/")[2]))
    key = (queue or {}).get("attributes", {}).get("KmsMasterKeyId", "")
    denial = _denied(headers, query, _Use(key, _SQS_NEEDS[action], "sqs", get_region()))
    return sqs._json_err_resp("KmsAccessDenied", denial, 400) if denial else None


def _secret_refusal(_method: str, _path: str, headers: Headers, body: bytes, query: Any) -> Answer | None:  # noqa: ANN401
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in _SECRET_NEEDS:
        return None
    _, secret = secretsmanager._resolve(json.loads(body).get("SecretId"))
    key = (secret or {}).get("KmsKeyId") or ""
    context = {"kms:EncryptionContext:SecretARN": secret["ARN"]} if secret else {}
    if _denied(headers, query, _Use(key, _SECRET_NEEDS[action], "secretsmanager", get_region(), context)):
        return secretsmanager.error_response_json("AccessDeniedException", "Access to KMS is not allowed", 400)
    return None


def _table_refusal(_method: str, _path: str, headers: Headers, body: bytes, query: Any) -> Answer | None:  # noqa: ANN401
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in TABLE_ACTIONS:
        return None
    for name in _table_names(json.loads(body)):
        table = dynamodb._tables.get(name.rpartition("/")[2]) or {}
        key = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn", "")
        context = {"kms:EncryptionContext:aws:dynamodb:tableName": name.rpartition("/")[2]}
        if denial := _denied(headers, query, _Use(key, _READS, "dynamodb", get_region(), context)):
            return dynamodb.error_response_json("AccessDeniedException", f"KMS key access denied error: {denial}", 400)
    return None


def _table_names(request: dict[str, Any]) -> set[str]:
    names = {request["TableName"]} if "TableName" in request else set(request.get("RequestItems", {}))
    for item in request.get("TransactItems", []):
        names |= {operation["TableName"] for operation in item.values()}
    return names


def _check_events() -> None:
    stock = s3._deliver_event_to_sqs

    def deliver(arn: str, *further: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        queue = sqs._queue_by_arn(arn)
        key = (queue or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        source = f"arn:aws:s3:::{named.get('bucket_name', '')}"
        for action in _WRITES:
            if not _permissions.service_may_use_key(
                "s3.amazonaws.com", action, key, region=arn.split(":")[3], source_arn=source
            ):
                _log.warning("S3 event for %s was not delivered: the key's policy does not allow S3 %s", arn, action)
                return
        stock(arn, *further, **named)

    s3._deliver_event_to_sqs = deliver


def _check_alarm_actions() -> None:
    stock = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm: dict[str, Any], before: str, after: str, reason: str) -> None:
        lists = {name: alarm.get(name) or [] for name in ("AlarmActions", "OKActions", "InsufficientDataActions")}
        usable = {name: [arn for arn in arns if _topic_admits_alarms(arn)] for name, arns in lists.items()}
        stock({**alarm, **usable}, before, after, reason)

    cloudwatch._dispatch_alarm_actions = dispatch


def _topic_admits_alarms(arn: str) -> bool:
    topic = sns._topics.get(arn) if ":sns:" in arn else None
    key = ((topic or {}).get("attributes") or {}).get("KmsMasterKeyId", "")
    admitted = all(
        _permissions.service_may_use_key("cloudwatch.amazonaws.com", action, key, region=get_region()) for action in _WRITES
    )
    if not admitted:
        _log.warning("an alarm was not sent to %s: the key's policy does not admit CloudWatch", arn)
    return admitted
