"""Test the processor: its queue, its variables, its schedule and its disk."""

from typing import Any

from aws_cdk import Stack
from aws_cdk.assertions import Template

from handlers.processor import intake
from infra.constructs.bucket import Bucket
from infra.constructs.processor import Processor, timeout
from infra.constructs.queue import IngestQueue
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

NO_VPC: dict[str, Any] = {"environment": "dev", "vpc": {"mode": "none"}}


def processor_stack(**settings: Any) -> Stack:  # noqa: ANN401 - the settings'
    of = context(**{**NO_VPC, **settings})
    stack = stack_in(of)
    key = key_in(stack)
    Processor(
        stack,
        "Processor",
        surroundings=surroundings_in(stack, of, key),
        queue=IngestQueue(stack, "Queue", context=of, key=key, function_timeout=timeout(of)),
        ingest=Bucket(stack, "Ingest", context=of, resource="ingest", key=key),
        archive=Bucket(stack, "Archive", context=of, resource="archive", key=key),
        data_key=key,
    )
    return stack


def id_of(stack: Stack, kind: str, **properties: str) -> str:
    (found,) = (id_ for id_, each in of_type(stack, kind).items() if properties.items() <= _texts(each).items())
    return found


def test_mapping_depends_on_the_permission_to_read_the_queue() -> None:
    stack = processor_stack()
    (mapping,) = Template.from_stack(stack).find_resources("AWS::Lambda::EventSourceMapping").values()
    assert [id_ for id_ in of_type(stack, "AWS::IAM::ManagedPolicy") if id_ in mapping["DependsOn"]]


def test_processor_variables_hold_references_and_limits() -> None:
    stack = processor_stack(limits={"shadow_delay_seconds": 9, "maximum_object_bytes": 1234}, retention={"attempts_days": 3})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["QUEUE_URL"] == {"Ref": id_of(stack, "AWS::SQS::Queue", QueueName="serverless-ingest-dev")}
    assert variables["DEAD_LETTER_QUEUE_URL"] == {
        "Ref": id_of(stack, "AWS::SQS::Queue", QueueName="serverless-ingest-dlq-dev")
    }
    archive = id_of(stack, "AWS::S3::Bucket", BucketNamePrefix="serverless-archive-dev")
    assert variables["ARCHIVE_BUCKET"] == {"Ref": archive}
    assert variables["TABLE_NAME"] == "serverless-ledger-dev"
    assert variables["PRIMARY_REGION"] == "us-east-1"
    assert variables["SHADOW_DELAY_SECONDS"] == "9"
    assert variables["MAXIMUM_OBJECT_BYTES"] == "1234"
    assert variables["ATTEMPT_RETENTION_DAYS"] == "3"
    assert variables["MAXIMUM_RECEIVES"] == "5"


def test_schedule_runs_the_reconciler_and_keeps_failed_events() -> None:
    stack = processor_stack()
    rule = only(stack, "AWS::Events::Rule")
    assert (rule["Name"], rule["ScheduleExpression"], rule["State"]) == (
        "serverless-reconcile-dev",
        "rate(5 minutes)",
        "ENABLED",
    )
    failed = {"Fn::GetAtt": [id_of(stack, "AWS::SQS::Queue", QueueName="serverless-async-dlq-dev"), "Arn"]}
    (target,) = rule["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": failed}
    asynchronous = only(stack, "AWS::Lambda::EventInvokeConfig")
    assert (asynchronous["MaximumRetryAttempts"], asynchronous["MaximumEventAgeInSeconds"]) == (0, 300)
    (permission,) = of_type(stack, "AWS::Lambda::Permission").values()
    assert permission["Principal"] == "events.amazonaws.com"


def test_disk_holds_the_spool_and_as_much_again() -> None:
    disk = only(processor_stack(), "AWS::Lambda::Function")["EphemeralStorage"]["Size"]
    assert 2 * intake.SPOOL_BYTES <= disk * 2**20 <= 10_240 * 2**20


def _texts(properties: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in properties.items() if isinstance(value, str)}
