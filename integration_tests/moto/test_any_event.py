"""Test the entry points of the processor, the custom resources and the rotation over arbitrary events.

The processor names the messages that SQS must redeliver and handles the others. A custom resource answers CloudFormation
once for any request. The rotation raises, which Secrets Manager reports, and changes nothing.
"""

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from handlers.bucket_replication import handler as bucket_replication
from handlers.default_security_group import handler as default_security_group
from handlers.processor import handler as processor
from handlers.rotation import handler as rotation
from handlers.shared import custom_resource
from handlers.table_policy import handler as table_policy
from integration_tests.moto.processor_world import ACCOUNT, PRIMARY, SECONDARY, World, bucket, environment

CONTEXT: Final[Any] = SimpleNamespace(
    function_name="any",
    function_version="1",
    memory_limit_in_mb=256,
    invoked_function_arn=f"arn:aws:lambda:{PRIMARY}:{ACCOUNT}:function:any",
    aws_request_id="request-1",
    log_stream_name="stream",
    get_remaining_time_in_millis=lambda: 60_000,
)
NEVER_FAILS: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "",
        "incoming/",
        "incoming/a.csv",
        "incoming/%",
        "incoming/%FF",
        "incoming/%ED%A0%80",
        "incoming/%00",
        "incoming/+%2B",
        "null",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**400),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3),
    max_leaves=5,
)

# --- the processor ----------------------------------------------------------------------------------------------

buckets = st.sampled_from([bucket("ingest", PRIMARY), bucket("ingest", SECONDARY), bucket("archive", PRIMARY), "elsewhere"])
keys = (
    texts
    | texts.map(lambda text: f"incoming/{text}")
    | st.just("incoming/uploads/s/x/y/z")
    | st.just("incoming/" + "k" * 1100)
)
s3_records = st.fixed_dictionaries(
    {
        "eventName": st.just("ObjectCreated:Put") | values,
        "eventTime": st.just("2026-01-31T12:00:00.000Z") | values,
        "s3": st.fixed_dictionaries(
            {
                "bucket": st.fixed_dictionaries({"name": buckets | values}),
                "object": st.fixed_dictionaries({"key": keys | values}, optional={"versionId": texts | values}),
            }
        )
        | values,
    }
)
bodies = (
    texts
    | values.map(json.dumps)
    | st.lists(s3_records | values, max_size=3).map(lambda records: json.dumps({"Records": records}))
    | st.sampled_from(["[" * 100_000, '{"Records": 7}', '{"Event": "s3:TestEvent"}', '{"Records": [' + "{}," * 500 + "{}]}"])
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The processor's world. Clients are cached, because building one takes longer than the rest of an example."""
    make: Any = boto3.client
    kept: dict[tuple[str, str], Any] = {}

    def client(service: str, region_name: str = PRIMARY, **more: Any) -> Any:  # noqa: ANN401 - clients have no common type
        if (service, region_name) not in kept:
            kept[service, region_name] = make(service, region_name=region_name, **more)
        return kept[service, region_name]

    with mock_aws(), environment():
        monkeypatch.setattr(boto3, "client", client)
        made = World()
        made.enter(PRIMARY)
        yield made


@pytest.mark.property
@settings(max_examples=20, deadline=None, suppress_health_check=NEVER_FAILS)
@given(batch=st.lists(bodies, min_size=1, max_size=3), receives=st.integers(1, 5))
@example(batch=['{"Records": [{"eventName": "ObjectCreated:Put"}]}'], receives=5)
def test_batch_of_any_messages_is_handled_or_named_without_records(world: World, batch: list[str], receives: int) -> None:
    records = [
        {
            "messageId": f"message-{number}",
            "receiptHandle": "handle",
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1769860800000"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{PRIMARY}:{ACCOUNT}:serverless-ingest-prod",
            "awsRegion": PRIMARY,
        }
        for number, body in enumerate(batch)
    ]
    context: Any = SimpleNamespace(**{**vars(CONTEXT), "get_remaining_time_in_millis": lambda: 300_000})
    answer = processor.handler({"Records": records}, context)
    failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    assert set(failed) <= {record["messageId"] for record in records}
    assert len(failed) == len(set(failed))
    json.dumps(answer).encode()
    assert world.records() == {}, "nothing was there to be processed"


# --- custom resources -------------------------------------------------------------------------------------------

HANDLERS: Final[dict[str, Callable[[dict[str, Any], Any], None]]] = {
    "bucket replication": bucket_replication.handler,
    "default security group": default_security_group.handler,
    "table policy": table_policy.handler,
}
TABLE_ARN: Final = f"arn:aws:dynamodb:{PRIMARY}:{ACCOUNT}:table/serverless-ledger-prod"
properties = st.dictionaries(
    st.sampled_from(
        [
            "Bucket",
            "BucketRegion",
            "ReplicationConfiguration",
            "DefaultSecurityGroupId",
            "TableArn",
            "Policy",
            "ServiceToken",
        ]
    )
    | texts,
    values
    | st.sampled_from(
        [bucket("ingest", PRIMARY), PRIMARY, "sg-0123456789abcdef0", TABLE_ARN, f"{TABLE_ARN}/index/a", "not-there"]
    )
    | st.fixed_dictionaries({"Role": texts, "Rules": st.lists(st.dictionaries(st.just("Id") | texts, values), max_size=2)})
    | st.fixed_dictionaries({"Version": texts, "Statement": values}),
)
events = st.fixed_dictionaries(
    {"ResponseURL": st.just("https://example.com/answer")},
    optional={
        "RequestType": st.sampled_from(["Create", "Update", "Delete"]) | values,
        "StackId": texts,
        "RequestId": texts,
        "LogicalResourceId": texts | values,
        "PhysicalResourceId": texts
        | values
        | st.sampled_from([TABLE_ARN, f"{bucket('ingest', PRIMARY)}/rule", "never-created/x"]),
        "ResourceProperties": properties | values,
        "OldResourceProperties": properties | values,
    },
)


@pytest.mark.property
@pytest.mark.parametrize("name", HANDLERS)
@settings(max_examples=20, deadline=None, suppress_health_check=NEVER_FAILS)
@given(event=events)
@example(event={"ResponseURL": "https://example.com/answer", "RequestType": "Delete", "PhysicalResourceId": 7})
@example(event={"ResponseURL": "https://example.com/answer", "RequestType": "Delete", "LogicalResourceId": "\ud800"})
def test_custom_resource_answers_any_event_once(
    world: World,  # noqa: ARG001 - buckets and tables to be named
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    event: dict[str, Any],
) -> None:
    answers: list[bytes] = []
    monkeypatch.setattr(custom_resource, "put", lambda _url, body: answers.append(body))
    # Neither the handlers' pauses nor botocore's between its tries, of a region that is none for example.
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", PRIMARY)
    HANDLERS[name](event, CONTEXT)
    (body,) = answers
    assert len(body) <= custom_resource.MAXIMUM_ANSWER_BYTES
    answer = json.loads(body)
    assert answer["Status"] in {"SUCCESS", "FAILED"}
    assert answer["Status"] == "SUCCESS" or answer["Reason"]


@pytest.mark.parametrize("name", HANDLERS)
@pytest.mark.parametrize("event", [{}, {"ResponseURL": None}, {"ResponseURL": 7}], ids=str)
def test_event_that_cannot_be_answered_is_raised(name: str, event: dict[str, Any]) -> None:
    """Lambda then retries the event, and finally sends it to the dead-letter queue."""
    with pytest.raises(custom_resource.AnswerError, match="ResponseURL"):
        HANDLERS[name](event, CONTEXT)


# --- the rotation -----------------------------------------------------------------------------------------------

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")


@pytest.mark.property
@settings(max_examples=20, deadline=None, suppress_health_check=NEVER_FAILS)
@given(
    event=st.fixed_dictionaries(
        {},
        optional={
            "Step": st.sampled_from(STEPS) | values,
            "SecretId": st.sampled_from(["receipt-signing", "not-there"]) | values,
            "ClientRequestToken": st.just("c" * 32) | values,
        },
    )
)
@example(event={"Step": "finishSecret", "SecretId": "receipt-signing", "ClientRequestToken": "c" * 32})
def test_rotation_that_was_not_started_raises_and_changes_nothing(
    world: World,  # noqa: ARG001 - moto
    monkeypatch: pytest.MonkeyPatch,
    event: dict[str, Any],
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", PRIMARY)
    client: Any = boto3.client("secretsmanager", region_name=PRIMARY)
    if not client.list_secrets()["SecretList"]:
        client.create_secret(Name="receipt-signing", SecretString='{"key": "k"}', ClientRequestToken="v" * 32)
    before = client.describe_secret(SecretId="receipt-signing")["VersionIdsToStages"]
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, Secrets Manager hears of it
        rotation.handler(event, CONTEXT)
    assert client.describe_secret(SecretId="receipt-signing")["VersionIdsToStages"] == before
