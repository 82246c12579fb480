"""Event source mappings from SQS poll with the permissions of the function's role.

Faithful: without sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes, and kms:Decrypt where the queue
has a customer managed key, nothing is polled and LastProcessingResult has the reason; a region that is down or stalled
polls nothing; tags are read back.
Different from AWS: CreateEventSourceMapping does not refuse such a role; permissions are checked five times a second; the
batching window has no effect; a mapping runs no more batches at once than this machine has processors, where Lambda begins
with five and adds more while messages wait. Each further batch is a cold start that costs a second of a processor.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import os
import time
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from local_cloud import regions
from local_cloud.shims import _api, _permissions, _templates

_MOST_BATCHES: Final = max(2, os.cpu_count() or 2)
_PAUSE_SECONDS: Final = 0.01
_REMEMBERED_SECONDS: Final = 0.2
_known: Final[dict[tuple[str, str], tuple[float, str | None]]] = {}
"""By role and queue: the end of validity, and the missing permission."""
_NEEDED: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def install() -> None:
    """Check the role's permissions when the poller reads the number of free batches; set the tags of templates."""
    _templates.extend("AWS::Lambda::EventSourceMapping", _tag)
    # So long does the poller pause after a pass in which it found every mapping busy.
    lambda_svc._ESM_IDLE_WAKE_GAP_SECONDS = _PAUSE_SECONDS
    stock = lambda_svc._sqs_esm_concurrency

    def allowed_batches(
        mapping: dict[str, Any],
        function: dict[str, Any],
        configuration: dict[str, Any],
        queue: dict[str, Any] | None = None,
    ) -> int:
        if not regions.is_running(get_region()):
            return 0
        lacking = _remembered(configuration["Role"], mapping["EventSourceArn"], queue or {})
        if lacking:
            mapping["LastProcessingResult"] = f"PROBLEM: Function call failed. The role lacks {lacking}."
            return 0
        batches: int = stock(mapping, function, configuration, queue)
        return min(batches, _MOST_BATCHES)

    lambda_svc._sqs_esm_concurrency = allowed_batches


def _tag(mapping: _templates.Resource) -> _templates.Attributes:
    arn = f"arn:aws:lambda:{get_region()}:{get_account_id()}:event-source-mapping:{mapping.physical_id}"
    wanted = {tag["Key"]: tag["Value"] for tag in mapping.properties.get("Tags", [])}
    stale = [tag["Key"] for tag in mapping.previous.get("Tags", []) if tag["Key"] not in wanted]
    if wanted:
        _api.client("lambda").tag_resource(Resource=arn, Tags=wanted)
    if stale:
        _api.client("lambda").untag_resource(Resource=arn, TagKeys=stale)
    return {}


def _remembered(role: str, queue_arn: str, queue: dict[str, Any]) -> str | None:
    """Return the missing permission, from a cache, because the poller asks a hundred times a second."""
    now, known = time.monotonic(), _known.get((role, queue_arn))
    if known is None or known[0] < now:
        known = _known[role, queue_arn] = (now + _REMEMBERED_SECONDS, _lacking(role, queue_arn, queue))
    return known[1]


def _lacking(role: str, queue_arn: str, queue: dict[str, Any]) -> str | None:
    principal, region = _permissions.of_role(role), get_region()
    for action in _NEEDED:
        if not _permissions.may(principal, action, queue_arn, region=region):
            return action
    key = queue.get("attributes", {}).get("KmsMasterKeyId", "")
    if _permissions.is_aws_managed(key):
        return None
    found = _permissions.key_and_context(key, region, "sqs")
    if found is None or not _permissions.may(principal, "kms:Decrypt", found[0], region=region, context=found[1]):
        return f"kms:Decrypt on {key}"
    return None
