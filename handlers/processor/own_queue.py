"""Messages put back on the region's own queue: they use up no receives, and wait for no visibility timeout to end."""

from typing import TYPE_CHECKING, Any

from handlers.processor.messages import FIRST_SEEN, HOPS, VERIFY, Message, ObjectEvent

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

    def put_back(self, message: Message, event: ObjectEvent, *, delay_seconds: int) -> None:
        """Send one object of a message to the end of its own queue, as a message of its own.

        To SQS it is another message, of no age and never received, so it carries when it was first seen.

        Args:
            message: As it was delivered.
            event: The object that waits.
            delay_seconds: How long it rests; SQS allows 0 to 900.

        Raises:
            ClientError: SQS refused; the message is delivered again by itself.
            BotoCoreError: SQS did not answer; likewise.
        """
        self._send(event.body, delay_seconds, {FIRST_SEEN: message.first_seen, HOPS: message.hops + 1})

    def send(self, body: str, *, first_seen: float, put_backs: int) -> None:
        """Send an object's event again, and have this replica's records looked at, though they were seen before.

        Args:
            body: As `event_body` returns it.
            first_seen: From when its age counts, in epoch seconds.
            put_backs: As how often put back it counts.

        Raises:
            ClientError: SQS refused.
            BotoCoreError: SQS did not answer; it may have been sent.
        """
        self._send(body, 0, {FIRST_SEEN: int(first_seen * 1000), HOPS: put_backs, VERIFY: 1})

    def _send(self, body: str, delay_seconds: int, numbers: dict[str, int]) -> None:
        attributes: Any = {name: {"DataType": "Number", "StringValue": str(number)} for name, number in numbers.items()}
        self._sqs.send_message(
            QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay_seconds, MessageAttributes=attributes
        )
