"""Sends messages that can never be processed to the dead-letter queue, with the reason, for an operator to inspect.

RESULT is written once, so redriving the message of a quarantined object changes nothing: fix the cause and upload the file
again. A message that SQS itself moved there after its last receive has no RESULT, and a redrive processes it.
"""

from typing import TYPE_CHECKING, Any, Final

from handlers.processor.errors import UnreadableError
from handlers.processor.messages import HOPS, Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_REASON: Final = 1000


class DeadLetters:
    """Sends messages to the dead-letter queue of this region."""

    def __init__(self, *, sqs: "SQSClient", queue_url: str, region: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._region = region

    def send(self, message: Message, problem: UnreadableError, identity: str) -> None:
        """Send a message unchanged, with the attributes `fault`, `reason`, `object_id` and `region`.

        The message keeps its number of put-backs, so that after a redrive a passive region does not drop it as an old copy.
        """
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=message.body,
            MessageAttributes={
                "fault": _text(problem.fault),
                "reason": _text(problem.explanation),
                "object_id": _text(identity),
                "region": _text(self._region),
                HOPS: {"DataType": "Number", "StringValue": str(message.hops)},
            },
        )


def _text(value: str) -> Any:  # noqa: ANN401 - boto3 names this type only in its stubs
    # SQS accepts only printable characters and no empty text.
    printable = "".join(letter if letter.isprintable() else "?" for letter in value[:_LONGEST_REASON])
    return {"DataType": "String", "StringValue": printable or "?"}
