"""Messages that can never be processed: sent to the dead-letter queue with their reason, for a person to look at.

A RESULT is written once, so to redrive the message of a quarantined object changes nothing: once what was wrong is mended,
the file is uploaded again. What SQS itself moved there, after its last receive, has no RESULT, and a redrive tries again.
"""

from typing import TYPE_CHECKING, Any, Final

from handlers.processor.errors import UnreadableError
from handlers.processor.messages import HOPS, Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_REASON: Final = 1000


class DeadLetters:
    """Sends to the dead-letter queue of this region."""

    def __init__(self, *, sqs: "SQSClient", queue_url: str, region: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._region = region

    def send(self, message: Message, problem: UnreadableError, identity: str) -> None:
        """Send a message as it came, with the attributes `fault`, `reason`, `object_id` and `region`.

        It keeps how often it was put back, so that a passive region does not take it for an older copy once it is redriven.
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


def _text(value: str) -> Any:  # noqa: ANN401 - boto3's own type has a name in its stubs only
    # SQS takes printable characters only, and no empty text.
    printable = "".join(letter if letter.isprintable() else "?" for letter in value[:_LONGEST_REASON])
    return {"DataType": "String", "StringValue": printable or "?"}
