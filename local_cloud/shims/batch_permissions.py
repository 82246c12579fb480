"""Check batch requests to SQS and SNS by the permission of the single request, as AWS does.

Faithful: SendMessageBatch needs sqs:SendMessage, DeleteMessageBatch sqs:DeleteMessage, ChangeMessageVisibilityBatch
sqs:ChangeMessageVisibility, PublishBatch sns:Publish; a policy that names the batch request grants nothing.
Different from AWS: nothing known.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core import iam_actions

_NEEDED: Final = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}


def install() -> None:
    """Check the single request's permission."""
    stock = iam_actions.extract_iam_action

    def extract(*request: Any, **named: Any) -> str | None:  # noqa: ANN401  handed on as they are
        action: str | None = stock(*request, **named)
        return _NEEDED.get(action or "", action)

    iam_actions.extract_iam_action = extract
