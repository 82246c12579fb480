"""The handlers that the processor's benchmark compares; each runs in a separate process on one S3 event.

`batch_writer` is the loop of AWS's own examples
(https://docs.aws.amazon.com/boto3/latest/guide/dynamodb.html#batch-writing). `powertools` adds what Powertools advises: the
batch processor, pydantic models of the event and of each record. Both store each record under a key of the file and its
position, without the processor's guarantees.
"""

import codecs
import csv
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Final

import typer

KEY: Final = "incoming/orders"
"""Key of the object, without its extension."""
PRIMARY, SECONDARY = "us-east-1", "us-west-2"
_FUNCTION_SECONDS: Final = 900.0
_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "AKIABENCHMARK",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_SESSION_TOKEN": "t" * 400,  # a role's, as in Lambda
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "POWERTOOLS_METRICS_NAMESPACE": "Benchmark",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "ENVIRONMENT": "bench",
    "TABLE_NAME": "ledger",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/ingest",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/ingest-dlq",
    "INGEST_BUCKET": "ingest",
    "ARCHIVE_BUCKET": "archive",
    "SOURCE": "ingest",
    "PRIMARY_REGION": PRIMARY,
    "SECONDARY_REGION": SECONDARY,
    "MAXIMUM_OBJECT_BYTES": str(5 * 1024**3),
    "MAXIMUM_EXPANDED_BYTES": str(5 * 1024**3),
    "SHADOW_DELAY_SECONDS": "15",
    "SHADOW_MAXIMUM_AGE_SECONDS": "3600",
    "CONTROL_CACHE_SECONDS": "5",
    "ATTEMPT_RETENTION_DAYS": "30",
    "CANARY_RETENTION_DAYS": "20",
    "MAXIMUM_RECEIVES": "5",
}

_Handler = Callable[[dict[str, Any], Any], Any]


def event_of(key: str, *, receives: int = 1, is_continued: bool = False) -> dict[str, Any]:
    """Return the event of a queue with one message about one object."""
    stored = {"bucket": {"name": "ingest"}, "object": {"key": key, "versionId": "v", "size": 1, "eTag": "e"}}
    record = {"eventName": "ObjectCreated:Put", "eventTime": "2026-11-29T12:00:00.000Z", "s3": stored}
    message = {
        "messageId": "m",
        "receiptHandle": "r",
        "body": json.dumps({"Records": [record]}),
        "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1764417600000"},
        "messageAttributes": {"continued": {"stringValue": "1", "dataType": "Number"}} if is_continued else {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:ingest",
        "awsRegion": "us-east-1",
    }
    return {"Records": [message]}


def _batch_writer() -> _Handler:
    import boto3  # noqa: PLC0415 - each contestant imports only its own libraries

    s3, table = boto3.client("s3"), boto3.resource("dynamodb").Table("ledger")

    def handler(event: dict[str, Any], _context: Any) -> None:  # noqa: ANN401 - Lambda's
        for message in event["Records"]:
            for record in json.loads(message["body"])["Records"]:
                bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
                body = s3.get_object(Bucket=bucket, Key=key)["Body"]
                with table.batch_writer() as batch:
                    for number, item in enumerate(_plain_records(key, body)):
                        batch.put_item(Item={"pk": key, "sk": f"{number:012d}", **item})

    return handler


def _plain_records(key: str, body: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - botocore's StreamingBody
    if key.endswith(".csv"):
        yield from csv.DictReader(codecs.getreader("utf-8")(body))
    elif key.endswith(".json"):
        yield from json.loads(body.read(), parse_float=Decimal)
    else:
        for line in body.iter_lines():
            yield json.loads(line, parse_float=Decimal)


def _powertools() -> _Handler:
    import boto3  # noqa: PLC0415
    from aws_lambda_powertools import Logger, Metrics, Tracer  # noqa: PLC0415
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response  # noqa: PLC0415
    from pydantic import BaseModel, TypeAdapter  # noqa: PLC0415

    class Order(BaseModel):
        id: str
        customer: str
        amount: Decimal
        currency: str
        quantity: int
        created_at: str
        note: str
        express: bool

    class Bucket(BaseModel):
        name: str

    class Stored(BaseModel):
        key: str

    class S3(BaseModel):
        bucket: Bucket
        object: Stored

    class S3Record(BaseModel):
        s3: S3

    class S3Event(BaseModel):
        Records: list[S3Record]

    s3, table = boto3.client("s3"), boto3.resource("dynamodb").Table("ledger")
    logger, metrics, tracer = Logger(), Metrics(), Tracer()
    orders = TypeAdapter(list[Order])

    def records(key: str, body: Any) -> Iterator[Order]:  # noqa: ANN401 - botocore's StreamingBody
        if key.endswith(".csv"):
            for row in csv.DictReader(codecs.getreader("utf-8")(body)):
                yield Order.model_validate(row)
        elif key.endswith(".json"):
            yield from orders.validate_json(body.read())
        else:
            for line in body.iter_lines():
                yield Order.model_validate_json(line)

    def process(record: Any) -> None:  # noqa: ANN401 - Powertools' SQSRecord
        for created in S3Event.model_validate_json(record.body).Records:
            key = created.s3.object.key
            body = s3.get_object(Bucket=created.s3.bucket.name, Key=key)["Body"]
            with table.batch_writer() as batch:
                for number, order in enumerate(records(key, body)):
                    batch.put_item(Item={"pk": key, "sk": f"{number:012d}", **order.model_dump()})

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 - Lambda's
        processor = BatchProcessor(event_type=EventType.SQS)
        return process_partial_response(event=event, record_handler=process, processor=processor, context=context)

    return handler


def _lockstep() -> _Handler:
    from handlers.processor.application import application  # noqa: PLC0415
    from handlers.processor.handler import handler  # noqa: PLC0415

    application()
    entry_point: _Handler = handler
    return entry_point


CONTESTANTS: Final = {"batch_writer": _batch_writer, "powertools": _powertools, "lockstep": _lockstep}


def main(  # noqa: PLR0913, PLR0917 - options of a command
    contestant: Annotated[str, typer.Argument(help=f"One of {', '.join(CONTESTANTS)}.")],
    port: Annotated[int, typer.Argument(help="Port of the fake AWS; 0 to stop once the handler is ready.")],
    extension: Annotated[str, typer.Argument(help="ndjson, json or csv.")],
    seconds: Annotated[float, typer.Option(help="Time of the function.")] = _FUNCTION_SECONDS,
    receives: Annotated[int, typer.Option(help="Receive count of the message.")] = 1,
    continued: Annotated[bool, typer.Option("--continued", help="An earlier invocation sent it.")] = False,  # noqa: FBT002
    region: Annotated[str, typer.Option(help="Region of the function.")] = PRIMARY,
    traced: Annotated[bool, typer.Option("--traced", help="Import what X-Ray needs, as in Lambda.")] = False,  # noqa: FBT002
) -> None:
    """Handle one object, and print the seconds, the processor seconds and the peak memory as JSON."""
    endpoint = f"http://127.0.0.1:{port}"
    services = {f"AWS_ENDPOINT_URL_{name}": endpoint for name in ("S3", "DYNAMODB", "SQS")}
    os.environ.update(_ENVIRONMENT, **services, AWS_REGION=region, AWS_DEFAULT_REGION=region)
    if traced:
        os.environ["AWS_XRAY_DAEMON_ADDRESS"] = "127.0.0.1:2000"
    imported, modules = time.process_time(), len(sys.modules)
    handler = CONTESTANTS[contestant]()
    ready = time.process_time()
    if not port:
        sys.stdout.write(json.dumps({"cpu_seconds": ready - imported, "modules": len(sys.modules) - modules}) + "\n")
        return
    ends = time.monotonic() + seconds
    context = SimpleNamespace(
        function_name="benchmark",
        function_version="1",
        memory_limit_in_mb=1769,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:benchmark",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: int((ends - time.monotonic()) * 1000),
    )
    gc.collect()
    cpu, began = time.process_time(), time.perf_counter()
    answer = handler(event_of(f"{KEY}.{extension}", receives=receives, is_continued=continued), context)
    took, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    if answer and answer["batchItemFailures"]:
        raise SystemExit(f"{contestant} did not process its message; set POWERTOOLS_LOG_LEVEL=INFO to see why")
    measured = {
        "seconds": took,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": _peak_bytes(),
        "ready_cpu_seconds": ready - imported,
    }
    sys.stdout.write(json.dumps(measured) + "\n")


def _peak_bytes() -> int:
    """Return this program's peak memory; on Linux `getrusage` includes the peak of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


if __name__ == "__main__":
    typer.run(main)
