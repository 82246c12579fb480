"""The processor's entry point: it handles a batch of SQS messages (S3 event notifications) or the reconciler's schedule.

A batch gets a partial batch response: SQS redelivers the messages that `batchItemFailures` names and deletes the rest.
"""

import gc
import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from aws_lambda_powertools import Logger

from handlers.processor.application import application, metrics, reconciler
from handlers.processor.deadline import Deadline
from handlers.processor.messages import CONTINUED, Message

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()

# The collector need not look through the libraries again. Records hold no cycles, and decoding one of 4 MiB with a million
# lists takes five times as long with Python's own threshold.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)

_Answer: TypeAlias = dict[str, Any]
_Handler: TypeAlias = "Callable[[dict[str, Any], LambdaContext], _Answer]"


def _traced(handler: _Handler) -> _Handler:
    """Trace an invocation and its calls to AWS, where Lambda runs an X-Ray daemon.

    Without one, nothing reads the traces, and the X-Ray SDK is not imported.
    """
    if "AWS_XRAY_DAEMON_ADDRESS" not in os.environ:
        return handler
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - see above

    traced: _Handler = Tracer(patch_modules=["botocore"]).capture_lambda_handler(handler, capture_response=False)
    return traced


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
@_traced
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

    failed: list[str] = []
    # A long object uses all of the time, so it comes after the others of its batch.
    event["Records"].sort(key=lambda record: CONTINUED in (record.get("messageAttributes") or {}))
    # Powertools' BatchProcessor does the same, but imports the events of every AWS service.
    for record in event["Records"]:
        try:
            pipeline.process(Message.from_record(record), deadline)
        except Exception:  # noqa: BLE001 - the pipeline has logged it
            failed.append(record["messageId"])
        finally:
            logger.set_correlation_id(None)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
