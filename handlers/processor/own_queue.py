"""Put messages back on the region's own queue, which uses up no receive, or send them to the dead-letter queue."""

from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from handlers.processor.errors import UnreadableError
from handlers.processor.messages import CONTINUED, FIRST_SEEN, HOPS, REPROCESS, VERIFY, Message, ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


_FIRST_DELAY_SECONDS: Final = 10
_GROWTH: Final = 6
_SHORT_DELAYS: Final = 3

logger = Logger(child=True)


class OwnQueue:
    """Sends messages to the queue that invokes the function.

    Args:
        sqs: A client of this region.
        queue_url: This region's ingest queue.
    """

    def __init__(self, *, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def put_back(self, message: Message, event: ObjectEvent, *, delay_seconds: int) -> None:
        """Send one object of a message to the end of the queue, as a message of its own.

        For SQS it is a new message without age or receives, so it carries the time when it was first seen.

        Args:
            message: The delivered message.
            event: The object that waits.
            delay_seconds: Delay before the next delivery; SQS allows 0 to 900.

        Raises:
            ClientError: SQS returned an error; SQS redelivers the message.
            BotoCoreError: SQS did not answer; SQS redelivers the message.
        """
        self._send(event.body, delay_seconds, {FIRST_SEEN: message.first_seen, HOPS: message.hops + 1})

    def continue_later(self, message: Message, event: ObjectEvent, *, has_written: bool = False) -> None:
        """Send one object of a message again for the next invocation, with everything that the message asks for.

        Args:
            message: The delivered message.
            event: The object that needs another invocation.
            has_written: Whether this invocation has written records of it.

        Raises:
            ClientError: SQS returned an error; SQS redelivers the message.
            BotoCoreError: SQS did not answer; SQS redelivers the message.
        """
        flags = {
            VERIFY: message.must_verify,
            REPROCESS: message.must_reprocess,
            CONTINUED: has_written or message.may_have_written,
        }
        numbers = {FIRST_SEEN: message.first_seen, HOPS: message.hops + 1}
        self._send(event.body, 0, numbers | {name: 1 for name, is_set in flags.items() if is_set})

    def hold_back(self, message: Message) -> None:
        """Have SQS deliver a message whose attempt failed again after seconds that grow: 10, 60, 360.

        After later receives the queue's own visibility timeout, half an hour, ends as it would without this.
        """
        if message.receive_count > _SHORT_DELAYS:
            return
        seconds = _FIRST_DELAY_SECONDS * _GROWTH ** (message.receive_count - 1)
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=message.receipt_handle, VisibilityTimeout=seconds
            )
        except (ClientError, BotoCoreError) as error:
            logger.warning("a failed message keeps its visibility timeout", reason=str(error))

    def send(self, body: str, *, first_seen: float, put_backs: int) -> None:
        """Send an object's event again, with the instruction to verify this replica's records.

        Args:
            body: The result of `event_body`.
            first_seen: Time from which the message's age counts, in epoch seconds.
            put_backs: Number of put-backs that the message carries.

        Raises:
            ClientError: SQS returned an error.
            BotoCoreError: SQS did not answer; the message may have been sent.
        """
        self._send(body, 0, {FIRST_SEEN: int(first_seen * 1000), HOPS: put_backs, VERIFY: 1})

    def _send(self, body: str, delay_seconds: int, numbers: dict[str, int]) -> None:
        attributes: Any = {name: {"DataType": "Number", "StringValue": str(number)} for name, number in numbers.items()}
        self._sqs.send_message(
            QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay_seconds, MessageAttributes=attributes
        )


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
