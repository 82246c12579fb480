"""Test the Lambda functions: settings that all have, then the issuer, the processor and the observer."""

import re
from typing import Any

import pytest
from aws_cdk import Duration, Size, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from handlers.processor import intake
from infra.constructs.bucket import Bucket
from infra.constructs.front_door import FrontDoor
from infra.constructs.function import Function
from infra.constructs.issuer import Issuer
from infra.constructs.observer import Observer
from infra.constructs.processor import Processor, timeout
from infra.constructs.queue import IngestQueue
from infra.region import RegionRole
from unit_tests.infra.constructs.small_stack import (
    ACCOUNT,
    context,
    function_in,
    key_in,
    of_type,
    only,
    stack_in,
    surroundings_in,
)


def function_stack(settings: dict[str, object] | None = None, /, **parameters: Any) -> Stack:  # noqa: ANN401 - Function's
    of = context(**(settings or {}))
    stack = stack_in(of)
    surroundings = surroundings_in(stack, of, key_in(stack))
    named = {"resource": "two-words", "description": "Tried", "reserved_concurrency": 2, **parameters}
    Function(stack, "Tried", surroundings=surroundings, **named)
    return stack


def function(settings: dict[str, object] | None = None, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - Function's
    return only(function_stack(settings, **parameters), "AWS::Lambda::Function")


def test_function_runs_on_arm64_under_the_newest_python_of_the_cdk() -> None:
    known = [
        tuple(map(int, found.groups()))
        for name in dir(lambda_.Runtime)
        if (found := re.fullmatch(r"PYTHON_(\d+)_(\d+)", name))
    ]
    major, minor = max(known)
    assert function()["Runtime"] == f"python{major}.{minor}"
    assert function()["Architectures"] == ["arm64"]


def test_function_called_day_and_night_is_not_traced_nor_its_calls_logged() -> None:
    stack = function_stack(traced=False, logs_calls=False)
    found = only(stack, "AWS::Lambda::Function")
    assert "TracingConfig" not in found
    assert found["LoggingConfig"]["SystemLogLevel"] == "WARN"
    assert "xray:" not in str(of_type(stack, "AWS::IAM::ManagedPolicy"))


def test_function_has_lambdas_default_disk() -> None:
    assert "EphemeralStorage" not in function()
    assert function(ephemeral_storage=Size.mebibytes(513))["EphemeralStorage"] == {"Size": 513}


def issuer_stack(**settings: Any) -> Stack:  # noqa: ANN401 - the settings'
    of = context(**{"environment": "dev", "vpc": {"mode": "none"}, **settings})
    stack = stack_in(of)
    key = key_in(stack)
    Issuer(
        stack,
        "Issuer",
        surroundings=surroundings_in(stack, of, key),
        ingest=Bucket(stack, "Ingest", context=of, resource="ingest", key=key),
        queue=IngestQueue(stack, "Queue", context=of, key=key, function_timeout=timeout(of)),
        data_key=key,
        secret_key=key,
    )
    return stack


def test_issuer_variables_hold_names_and_limits() -> None:
    stack = issuer_stack(limits={"upload_expiry_seconds": 60, "maximum_object_bytes": 1234})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    (bucket,) = of_type(stack, "AWS::S3::Bucket")
    (key,) = of_type(stack, "AWS::KMS::Key")
    assert variables["INGEST_BUCKET"] == {"Ref": bucket}
    assert variables["DATA_KEY_ARN"] == {"Fn::GetAtt": [key, "Arn"]}
    assert variables["QUEUE_URL"]["Ref"] in of_type(stack, "AWS::SQS::Queue")
    assert variables["SECRET_NAME"] == "serverless-receipt-signing-dev"
    assert variables["UPLOAD_EXPIRY_SECONDS"] == "60"
    assert variables["MAXIMUM_OBJECT_BYTES"] == "1234"
    assert (variables["UPLOAD_RETENTION_DAYS"], variables["CANARY_RETENTION_DAYS"]) == ("90", "30")


def test_issuer_with_strong_consistency_writes_no_expiry() -> None:
    stack = issuer_stack(consistency="strong", retention={"attempts_days": 0, "uploads_days": 15})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert (variables["UPLOAD_RETENTION_DAYS"], variables["CANARY_RETENTION_DAYS"]) == ("0", "0")


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


HERE, THERE = "us-west-2", "us-east-1"


def observer_stack(role: RegionRole = RegionRole.SECONDARY, /, **settings: Any) -> Stack:  # noqa: ANN401 - the settings'
    of = context(role, **settings)
    stack = stack_in(of)
    key = key_in(stack)
    Observer(
        stack,
        "Observer",
        surroundings=surroundings_in(stack, of, key),
        queue=IngestQueue(stack, "Queue", context=of, key=key, function_timeout=Duration.minutes(5)),
        ingest=Bucket(stack, "Ingest", context=of, resource="ingest", key=key),
        front_door=FrontDoor(stack, "FrontDoor", context=of, issuer=function_in(stack), logs_key=key),
        data_key=key,
    )
    return stack


def the_function(stack: Stack) -> dict[str, Any]:
    (found,) = (
        each
        for each in of_type(stack, "AWS::Lambda::Function").values()
        if each.get("FunctionName") == "serverless-observer-prod"
    )
    return found


def test_observer_variables_name_both_regions() -> None:
    stack = observer_stack()
    variables = the_function(stack)["Environment"]["Variables"]
    assert variables["PEER_REGION"] == THERE
    assert variables["PRIMARY_REGION"] == THERE
    assert variables["PEER_INGEST_BUCKET"] == f"serverless-ingest-prod-{ACCOUNT}-{THERE}-an"
    assert variables["REPLICATION_RULE_ID"] == "everything-to-the-other-region"
    assert variables["SHADOW_DELAY_SECONDS"] == "15"
    assert variables["AUTO_PROMOTE"] == "false"
    (api,) = of_type(stack, "AWS::ApiGatewayV2::Api")
    url = variables["API_URL"]["Fn::Join"][1]
    assert url[:3] == ["https://", {"Ref": api}, f".execute-api.{HERE}."]


@pytest.mark.parametrize(("setting", "value"), [(True, "true"), (False, "false")])
def test_observer_may_promote_only_if_it_is_set(setting: bool, value: str) -> None:  # noqa: FBT001 - a parameter of pytest's
    stack = observer_stack(auto_promote=setting)
    assert the_function(stack)["Environment"]["Variables"]["AUTO_PROMOTE"] == value


def test_observer_runs_outside_the_vpc_once_at_a_time_in_its_minute() -> None:
    function = the_function(observer_stack())
    assert "VpcConfig" not in function
    assert function["ReservedConcurrentExecutions"] == 1
    assert function["Timeout"] < 60


def test_observer_runs_every_minute_and_never_late() -> None:
    stack = observer_stack()
    rule = only(stack, "AWS::Events::Rule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = rule["Targets"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 60
    asynchronous = only(stack, "AWS::Lambda::EventInvokeConfig")
    # What is retried later would make three runs in a row of fewer than three minutes.
    assert asynchronous["MaximumEventAgeInSeconds"] == 60
    assert asynchronous["MaximumRetryAttempts"] == 0
