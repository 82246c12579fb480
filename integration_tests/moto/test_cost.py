"""Compare the calls of an observer and of an object with the cost table; this cannot prove how AWS bills them."""

import hashlib
import json
import logging
import math
import time
from dataclasses import asdict
from io import StringIO
from typing import Any, Final

import boto3
import botocore.client
import pytest
import requests
from moto import mock_aws

from handlers.issuer import handler as front_door
from handlers.issuer import readiness
from handlers.issuer.upload_id import new_upload_id
from handlers.observer import hours
from handlers.observer.digest_rows import DigestRow, DigestStore
from handlers.observer.digests import Digest, hour_of, hours_before
from handlers.processor.batch_requests import BatchRequests
from handlers.shared import schema
from infra.cost import A_RUN
from infra.cost_of_load import AN_OBJECT
from integration_tests.moto.observer_world import (
    _CONTEXT,
    CLOSED_HOURS,
    PRIMARY,
    REGIONS,
    SECONDARY,
    TABLE,
    ObservedWorld,
    http_event,
    observed,
)
from integration_tests.moto.processor_world import VARIABLES

MINUTES: Final = 10
"""Rounds of the observers; every second one reads the hour before the open one."""
Call = tuple[str, str, dict[str, Any], dict[str, Any]]
"""Service, operation, request and answer."""


class Counting:
    """A stand-in for pytest's capsys that keeps what it read."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = ""

    def readouterr(self) -> Any:  # noqa: ANN401 - pytest's own
        read = self._capsys.readouterr()
        self.out += read.out
        return read


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Counting:
    return Counting(capsys)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """The output of Powertools' loggers."""
    stream = StringIO()
    loggers = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    handlers = [handler for each in loggers for handler in each.handlers if isinstance(handler, logging.StreamHandler)]
    for handler in handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return stream


def test_observer_run_costs_what_the_cost_table_counts(
    monkeypatch: pytest.MonkeyPatch, printed: Counting, logged: StringIO
) -> None:
    made: list[Call] = []
    watched = hours.CLOSED_HOURS_WATCHED
    # Of two probes within five seconds one is answered from memory, which is the machine's speed: here none is.
    monkeypatch.setattr(readiness, "CACHE_SECONDS", 0)
    # In moto's own seconds: however slow the machine is, no message that was put back comes back within the test.
    monkeypatch.setitem(VARIABLES, "SHADOW_DELAY_SECONDS", "900")
    stand_in: Any = printed
    with mock_aws(), observed(stand_in) as world:
        world.start_digests(every_minute=False)
        know_all_closed_hours(world)
        for _ in range(2):
            world.minute()
        printed.readouterr()
        printed.out = ""
        logged.truncate(0)
        record_calls(monkeypatch, made, world)
        for _ in range(MINUTES):
            # An object's event is in the passive region before its RESULT is: the message is put back once.
            world.invoke(SECONDARY)
            publish_shadow_age(world)
            world.minute()
        printed.readouterr()
    runs = MINUTES * len(REGIONS)
    counted = {name: value / runs for name, value in summary(made).items()}
    counted["table_reads"] += digest_rows_left_out(made, watched - CLOSED_HOURS)
    counted["own_metrics"] = len(metrics(printed.out))
    counted["log_bytes"] = (len(printed.out) + len(logged.getvalue())) / runs
    expected = asdict(A_RUN)
    del expected["secret_reads"]  # the clock's
    assert counted == {name: pytest.approx(value, rel=0.15) for name, value in expected.items()}


def publish_shadow_age(world: ObservedWorld) -> None:
    """Publish the shadow consumer's metric in the passive region, as CloudWatch does; moto does not read log lines."""
    of = [{"Name": "service", "Value": "processor"}, {"Name": "environment", "Value": "prod"}]
    measured = {"MetricName": "ShadowAge", "Dimensions": of, "Timestamp": world.now, "Value": 1.0}
    world.client("cloudwatch", SECONDARY).put_metric_data(Namespace="Lockstep", MetricData=[measured])


def know_all_closed_hours(world: ObservedWorld) -> None:
    """Give both regions digests of every closed hour, as observers that ran all the time have them."""
    for region in REGIONS:
        client = boto3.client("dynamodb", region_name=region)
        for owner in REGIONS:
            store = DigestStore(dynamodb=client, table_name=TABLE, region=owner)
            for back in range(CLOSED_HOURS):
                hour = hours_before(hour_of(world.now), 2 + back)
                for prefix in schema.DIGEST_PREFIXES:
                    store.write((hour, prefix), DigestRow(Digest(), world.now))


def record_calls(monkeypatch: pytest.MonkeyPatch, made: list[Call], world: ObservedWorld) -> None:
    """Record every call of the handlers' clients and the presigned PUT, but no call of the world itself."""
    of_the_world = {id(client) for client in world._clients.values()}  # noqa: SLF001
    base: Any = botocore.client.BaseClient  # whose stubs know no such method
    call = base._make_api_call  # noqa: SLF001
    put = world._put_presigned  # noqa: SLF001

    def recorded(self: Any, operation: str, request: dict[str, Any]) -> Any:  # noqa: ANN401 - any service's
        answer = call(self, operation, request)
        if id(self) not in of_the_world:
            made.append((self.meta.service_model.service_name, operation, request, answer))
        return answer

    def recorded_put(request: Any) -> Any:  # noqa: ANN401 - an HTTP request and answer
        made.append(("s3", "PutObject", {}, {}))
        return put(request)

    monkeypatch.setattr(base, "_make_api_call", recorded)
    monkeypatch.setattr(world, "_put_presigned", recorded_put)


def summary(made: list[Call]) -> dict[str, float]:
    """Return the quantities of the calls, by the names of the cost table."""
    table = [each for each in made if each[0] == "dynamodb"]
    secrets = [each[1] for each in made if each[0] == "secretsmanager"]
    return {
        "table_requests": len(table),
        "table_reads": sum(read_units(*each[1:]) for each in table),
        "table_writes": sum(write_units(*each[1:3]) for each in table),
        "object_requests": sum(each[0] == "s3" for each in made),
        "secret_looks": secrets.count("DescribeSecret"),
        "queue_requests": sum(each[0] == "sqs" for each in made),
        "measures": sum(len(each[2]["MetricDataQueries"]) for each in made if each[1] == "GetMetricData"),
    }


def digest_rows_left_out(made: list[Call], closed_hours: int) -> float:
    """Return the read units that digests of more hours add to a run; some runs read all of both regions."""
    answers = [answer for _, operation, request, answer in made if operation == "Query" and "IndexName" not in request]
    rows = [item for answer in answers for item in answer["Items"] if item["pk"]["S"].startswith("DIGEST#")]
    bytes_a_row: float = sum(size(row) for row in rows) / len(rows)
    read: int = sum(
        bool(items) and items[0]["pk"]["S"].startswith("DIGEST#") for items in (each["Items"] for each in answers)
    )
    runs = MINUTES * len(REGIONS)
    return read / runs * closed_hours * len(schema.DIGEST_PREFIXES) * bytes_a_row / 4096


def read_units(operation: str, request: dict[str, Any], answer: dict[str, Any]) -> float:
    """Return the read units of a request: one for each 4 kB, half of it if the read is eventually consistent.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    if operation == "BatchGetItem":  # item by item
        found = [item for items in answer["Responses"].values() for item in items]
        asked = sum(len(each["Keys"]) for each in request["RequestItems"].values())
        return sum(max(1, math.ceil(size(item) / 4096)) for item in found) + asked - len(found)
    if operation not in ("GetItem", "Query"):
        return 0
    items = answer.get("Items", [answer.get("Item", {})])
    units = max(1, math.ceil(sum(size(item) for item in items) / 4096))
    return units if request.get("ConsistentRead") else units / 2


def write_units(operation: str, request: dict[str, Any]) -> float:
    """Return the write units of a request in one replica: one for each kB, and again for each index that has the row.

    A row is in the index of states while it has that index's sort key. A row that moves within an index costs two writes
    there.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
    """
    if operation == "PutItem":
        return units_of_row(request["Item"])
    if operation == "BatchWriteItem":
        puts = [each for requests in request["RequestItems"].values() for each in requests]
        return sum(units_of_row(each["PutRequest"]["Item"]) for each in puts)
    if operation == "UpdateItem":
        return 1 + int(":state_order" in request["ExpressionAttributeValues"])
    return 0


def units_of_row(item: dict[str, Any]) -> float:
    """Return the write units of a row and of its index entries."""
    indexes = sum(key in item for key in (schema.FILE_INDEX_PARTITION_KEY, schema.STATE_INDEX_PARTITION_KEY))
    return math.ceil(size(item) / 1024) * (1 + indexes)


def size(item: dict[str, Any]) -> int:
    """Return the approximate bytes of an item: its attributes' names and their values as text."""
    return sum(len(name) + sum(len(str(value)) for value in each.values()) for name, each in item.items())


def metrics(printed: str) -> set[tuple[str, str]]:
    """Return the metrics in printed text, as names of function and metric; at most the given number a region."""
    emf = [json.loads(line) for line in printed.splitlines() if line.startswith('{"_aws"')]
    return {
        (each.get("service", "processor"), one["Name"])
        for each in emf
        for one in each["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


FEW, MANY = 1, 201


def test_uploaded_object_costs_what_the_cost_table_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = {}
    for records in (FEW, MANY):
        made: list[Call] = []
        with mock_aws(), observed(capsys) as world, monkeypatch.context() as patch:
            record_calls(patch, made, world)
            record_batches(patch, made)
            upload_and_process(world, records)
        counted[records] = summary(made)
    a_record = {name: (counted[MANY][name] - counted[FEW][name]) / (MANY - FEW) for name in counted[FEW]}
    found = {
        name: counted[FEW][name] - a_record[name] * FEW
        for name in ("table_requests", "table_reads", "table_writes", "object_requests")
    }
    found |= {f"{name}_a_record": a_record[name] for name in ("table_requests", "table_reads", "table_writes")}
    assert found == {name: pytest.approx(value, rel=0.15) for name, value in asdict(AN_OBJECT).items()}


def record_batches(patch: pytest.MonkeyPatch, made: list[Call]) -> None:
    """Record the writes of records, which do not go through the client's calls."""
    attempt = BatchRequests._attempt  # noqa: SLF001 - one request

    def recorded(self: BatchRequests, body: bytes) -> tuple[int, bytes]:
        made.append(("dynamodb", "BatchWriteItem", json.loads(body), {}))
        return attempt(self, body)

    patch.setattr(BatchRequests, "_attempt", recorded)


def upload_and_process(world: ObservedWorld, records: int) -> None:
    """Upload a file as a client does, let both regions handle it, and ask for its state."""
    content = b"".join(json.dumps({"n": number, "text": "x" * 700}).encode() + b"\n" for number in range(records))
    issued = call(world, "POST", "/uploads", about(content))
    sent: Any = requests.Request("PUT", issued["url"], headers=issued["headers"], data=content).prepare()
    world._put_presigned(sent)  # noqa: SLF001 - S3's part
    world.invoke(PRIMARY)
    world.replicate_table()
    world.invoke(SECONDARY)
    state = call(world, "GET", f"/uploads/{issued['id']}")
    assert state["accepted"] == records, state


def about(content: bytes) -> dict[str, Any]:
    """Return the body of a request for a grant."""
    return {
        "key": "reports/a.ndjson",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "upload_id": new_upload_id(time.time()),
        "source": "billing",
    }


def call(world: ObservedWorld, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the primary's issuer as a client."""
    event = http_event(method, path, json.dumps(body) if body else "", caller="arn:aws:iam::123456789012:role/billing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front_door, "application", lambda: world._issuers[PRIMARY])  # noqa: SLF001 - its stand-in
        answer = front_door.app.resolve(event, _CONTEXT)
    assert answer["statusCode"] < 300, answer
    held: dict[str, Any] = json.loads(answer["body"])
    return held
