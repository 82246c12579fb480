"""The processor's entry point: it handles a batch of SQS messages (S3 event notifications) or the reconciler's schedule.

A batch gets a partial batch response: SQS redelivers the messages that `batchItemFailures` names and deletes the rest.
"""

import gc
import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handlers.processor.application import application, metrics, reconciler
from handlers.processor.deadline import Deadline
from handlers.processor.messages import CONTINUED, Message

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
# Without an X-Ray daemon (tracing off, or not on Lambda) every segment fails to be sent and logs an error.
tracer = Tracer(
    disabled=True if "AWS_XRAY_DAEMON_ADDRESS" not in os.environ else None,
    patch_modules=["botocore"],
)

# The collector need not look through the libraries again. Records hold no cycles, and decoding one of 4 MiB with a million
# lists takes five times as long with Python's own threshold.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)

_Answer: TypeAlias = "PartialItemFailureResponse | dict[str, int]"
_Handler: TypeAlias = "Callable[[dict[str, Any], LambdaContext], _Answer]"


def _publishing(handler: _Handler) -> _Handler:
    """Publish the batch's metrics. Powertools' own decorator warns when a batch has none, as a batch of canaries."""

    @wraps(handler)
    def publish(event: dict[str, Any], context: "LambdaContext") -> _Answer:
        try:
            return handler(event, context)
        finally:
            if metrics.metric_set:
                metrics.flush_metrics()

    return publish


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@_publishing
def handler(event: dict[str, Any], context: "LambdaContext") -> _Answer:
    """Process a batch of messages, or run the reconciler.

    Args:
        event: The event of the queue's event source mapping, or of EventBridge's schedule.
        context: Lambda's context object.

    Returns:
        `batchItemFailures`: the messages that SQS redelivers. From the reconciler: `unreconciled`, the number of findings.

    Raises:
        EnvironmentVariableError: An environment variable of the function is missing or wrong.
    """
    pipeline = application()
    metrics.set_default_dimensions(environment=pipeline.settings.environment)

    deadline = Deadline(lambda: context.get_remaining_time_in_millis() / 1000)
    if event.get("source") == "aws.events":
        return reconciler().run(deadline)

    def process(record: SQSRecord) -> None:
        try:
            pipeline.process(Message.from_record(record.raw_event), deadline)
        finally:
            logger.set_correlation_id(None)

    # A long object uses all of the time, so it comes after the others of its batch.
    event["Records"].sort(key=lambda record: CONTINUED in (record.get("messageAttributes") or {}))
    # When every message fails, the invocation still succeeds: SQS redelivers the same messages either way.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=process, processor=processor, context=context)
