"""The processor's entry point: a batch of SQS messages, each an S3 event notification; or the reconciler's schedule.

It answers a batch with partial batch responses: what it names in `batchItemFailures` SQS delivers again, the rest is done.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handlers.processor.application import application, metrics, reconciler
from handlers.processor.deadline import Deadline
from handlers.processor.messages import Message

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
# Where Lambda runs no X-Ray daemon (tracing off, or not Lambda), segments would go nowhere and fill the log.
tracer = Tracer(
    disabled=True if "AWS_XRAY_DAEMON_ADDRESS" not in os.environ else None,
    patch_modules=["botocore"],
)

_Answer: TypeAlias = "PartialItemFailureResponse | dict[str, int]"
_Handler: TypeAlias = "Callable[[dict[str, Any], LambdaContext], _Answer]"


def _publishing(handler: _Handler) -> _Handler:
    """Publish the batch's metrics; Powertools' own decorator warns of a batch that has none, such as one of canaries."""

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
    """Process a batch, or reconcile.

    Args:
        event: As the queue's event source mapping sends it, or as EventBridge's schedule does.
        context: Lambda's.

    Returns:
        `batchItemFailures`: the messages to deliver again. Of the reconciler, `unreconciled`: how much is not as it must be.

    Raises:
        EnvironmentVariableError: The function is not set up as its template must do it.
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

    # A batch of which every message failed is no failure of the function: the same messages would come again anyway.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=process, processor=processor, context=context)
