"""Messages put back on the region's own queue: they use up no receives, and wait for no visibility timeout to end."""

from typing import TYPE_CHECKING, Any

from handlers.processor.messages import FIRST_SEEN, HOPS, OVERDUE_NOTED, Message, ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class OwnQueue:
    """Sends to the queue that the function's messages come from.

    Args:
        sqs: A client of this region.
        queue_url: This region's ingest queue.
    """

    def __init__(self, *, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def put_back(self, message: Message, event: ObjectEvent, *, delay_seconds: int, is_overdue_noted: bool = False) -> None:
        """Send one object of a message to the end of its own queue, as a message of its own.

        To SQS it is another message, of no age and never received, so it carries when it was first seen.

        Args:
            message: As it was delivered.
            event: The object that waits.
            delay_seconds: How long it rests; SQS allows 0 to 900.
            is_overdue_noted: Whether the archive notes that it has waited too long; once it does, it stays so.

        Raises:
            ClientError: SQS refused; the message is delivered again by itself.
            BotoCoreError: SQS did not answer; likewise.
        """
        attributes: dict[str, Any] = {
            FIRST_SEEN: {"DataType": "Number", "StringValue": str(message.first_seen)},
            HOPS: {"DataType": "Number", "StringValue": str(message.hops + 1)},
        }
        if is_overdue_noted or message.is_overdue_noted:
            attributes[OVERDUE_NOTED] = {"DataType": "Number", "StringValue": "1"}
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=event.body,
            DelaySeconds=delay_seconds,
            MessageAttributes=attributes,
        )
