"""The status shows the observers' rows, each region's from a replica that answers."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from rich.console import Console
from typer.testing import CliRunner

from handlers.observer import heartbeat as observer
from handlers.observer.canary import LOST
from handlers.observer.digest_rows import DigestRow, DigestStore
from handlers.observer.digests import Digest, hour_of, hours_before
from handlers.processor.reconciler import Finding, Notes, ReconcilerRow
from infra.naming import FORCE_FAILOVER, PEER_UNHEALTHY
from operations import __main__ as command_line
from operations import status, status_table
from operations.digests import Comparison
from operations.register import Register
from operations.status import RegionStatus
from operations.target import Target
from unit_tests.operations.conftest import LIVE, lose, put_claim, put_row

EAST, WEST = "us-east-1", "us-west-2"
WHERE = ["--account", "123456789012", "--environment", "staging"]


def _type(*arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(command_line.app, list(arguments))
    return result.exit_code, result.output


def _client(service: str, region: str) -> Any:  # noqa: ANN401 - a boto3 client
    return boto3.client(service, region_name=region)  # type: ignore[call-overload]


def _beat(region: str, *, age: float = 30.0, replicated: bool = True, **numbers: Any) -> None:  # noqa: ANN401 - the row's
    """Write a region's heartbeat as its observer does, and bring it to the other replica."""
    heartbeat = observer.Heartbeat(
        at=time.time() - age, api_url=f"https://api.execute-api.{region}.amazonaws.com", **numbers
    )
    for replica in LIVE.regions if replicated else (region,):
        assert observer.write(_client("dynamodb", replica), LIVE.table_name, region, heartbeat)


def _digest(region: str, hours_ago: int, *, objects: int = 1, made_hours_ago: float = 0.0) -> str:
    """Write a region's digest of an hour as its observer does; return the hour."""
    hour = hours_before(hour_of(time.time()), hours_ago)
    store = DigestStore(dynamodb=_client("dynamodb", region), table_name=LIVE.table_name, region=region)
    store.write((hour, "a"), DigestRow(Digest(objects, 7, 9), time.time() - 3600 * made_hours_ago))
    return hour


def _alarm(region: str, alarm: str, state: str) -> None:
    client, name = _client("cloudwatch", region), f"serverless-{alarm}-staging"
    client.put_metric_alarm(
        AlarmName=name,
        Namespace="Lockstep",
        MetricName="M",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")


def _line(output: str, name: str) -> list[str]:
    """Return the cells of a line of the table: the primary's, the secondary's."""
    (line,) = [line for line in output.splitlines() if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def _seconds(cell: str) -> int:
    """Return the age in a cell, in seconds. A busy machine is slow, so no test compares it exactly."""
    return int(cell.removesuffix(" s ago"))


def test_status_shows_six_numbers_of_both_regions(target: Target) -> None:
    assert target
    _beat(EAST, canary_seconds=1.25, queue_depth=3, shadow_age=41.0, dead_letters=2, replication_pending=17, epoch=4)
    _beat(WEST, canary_seconds=LOST, queue_depth=0)
    _, output = _type(*WHERE, "status")
    shown = {
        "- canary": ["1.2 s", "timed out"],
        "- queue depth": ["3", "0"],
        "- shadow age": ["41 s", "unknown"],
        "- dead letters": ["2", "unknown"],
        "- replication pending": ["17", "unknown"],
        "- epoch": ["4", "unknown"],
    }
    assert {name: _line(output, name) for name in shown} == shown


def test_status_lost_region_shows_numbers_of_the_other_replica(target: Target) -> None:
    _beat(EAST, age=300.0, queue_depth=7)
    _beat(WEST, queue_depth=0)
    lose(target, EAST)
    code, output = _type(*WHERE, "status")
    assert code == 1
    assert _line(output, "- queue depth") == ["7", "0"]
    seen, sees = _line(output, "heartbeat, other replica")
    assert 300 <= _seconds(seen) < 400
    assert sees == _line(output, "heartbeat, own replica")[0] == "us-east-1: does not answer"
    assert 30 <= _seconds(_line(output, "heartbeat, own replica")[1]) < 130
    assert "Failover records (if any) send clients away from us-east-1 if Route 53 gets no 200" in output


def test_status_replicated_heartbeat_shows_its_own_age(target: Target) -> None:
    assert target
    _beat(EAST, age=120.0)
    _beat(EAST, age=5.0, replicated=False)
    _, output = _type(*WHERE, "status")
    assert 5 <= _seconds(_line(output, "heartbeat, own")[0]) < 100
    assert 120 <= _seconds(_line(output, "heartbeat, other")[0]) < 220


def test_status_malformed_rows_are_reported_and_the_rest_is_shown(target: Target) -> None:
    _beat(WEST, queue_depth=3)
    client = boto3.client("dynamodb", region_name=WEST)
    beat = {
        "pk": {"S": f"HEARTBEAT#{EAST}"},
        "sk": {"S": "LATEST"},
        "at": {"N": "1"},
        "epoch": {"S": "x"},
        "api_url": {"N": "1"},
    }
    digest = {"pk": {"S": f"DIGEST#{EAST}"}, "sk": {"S": "2999-01-01T00#0"}, "at": {"S": "x"}}
    for item in (beat, digest):
        client.put_item(TableName=target.table_name, Item=item)
    put_row(WEST, WEST, {"epoch": {"S": "seven"}})
    put_row(WEST, EAST, {"epoch": {"N": "2"}})
    code, output = _type(*WHERE, "status")
    assert code == 0, output
    assert "the epoch of us-west-2 is {'S': 'seven'}, not a whole number" in output
    assert "the digests: a row is malformed" in output
    assert _line(output, "claims") == ["no claim", "us-east-1 2"]
    assert _line(output, "- queue depth")[1] == "3"


def test_status_lists_what_the_reconciler_found(target: Target) -> None:
    _reconciled(EAST, work=0)
    _reconciled(WEST, "incoming/a[b].csv", "", work=2)
    output = _type(*WHERE, "status")[1]
    assert _line(output, "unreconciled") == ["0", "2"]
    assert "The reconciler of us-west-2 lists:" in output
    assert "- object-without-result: incoming/a[b].csv, sent again 3 times" in output
    assert f"- object-without-result: object {'ab' * 32}, sent again 3 times" in output
    client = boto3.client("dynamodb", region_name=EAST)
    row = {"pk": {"S": f"RECONCILER#{EAST}"}, "sk": {"S": "LATEST"}, "at": {"N": "1"}, "notes": {"S": "no JSON"}}
    client.put_item(TableName=target.table_name, Item=row)
    assert "the reconciler's findings: a row is malformed" in _type(*WHERE, "status")[1]


def _reconciled(region: str, *object_keys: str, work: int) -> None:
    """Write a reconciler's row as the processor of a region does."""
    row = ReconcilerRow(dynamodb=_client("dynamodb", region), table_name=LIVE.table_name, region=region)
    findings = tuple(Finding("object-without-result", "ab" * 32, 0.0, key, "v1", sends=3) for key in object_keys)
    row.keep(Notes(findings=findings), work, time.time())


def test_status_missing_credentials_are_not_an_outage(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    code, output = _type("--environment", "staging", "status")
    assert (code, "does not answer" in output) == (1, False), output
    assert _line(output, "GET /ready") == ["no credentials", "no credentials"]
    assert "Log in first" in output
    code, output = _type(*WHERE, "status")
    assert (code, "Log in first" in output) == (2, True), output


def test_digests_of_closed_hours_are_compared(target: Target) -> None:
    equal = _digest(EAST, 5)
    assert equal == _digest(WEST, 5)
    _digest(EAST, 1)
    _digest(WEST, 1, objects=2)
    assert status.compared_digests(status.look(target)) == Comparison(1, ())
    differing = _digest(EAST, 4)
    _digest(WEST, 4, objects=2)
    _digest(EAST, 6, made_hours_ago=5.5)
    _digest(WEST, 6, objects=2)
    assert status.compared_digests(status.look(target)) == Comparison(1, (differing,))
    assert f"Digests differ in 1 closed hours: {differing}" in _type(*WHERE, "status")[1]


def test_digests_of_a_lost_region_come_from_the_other_replica(target: Target) -> None:
    hour = _digest(EAST, 5)
    store = DigestStore(dynamodb=_client("dynamodb", WEST), table_name=LIVE.table_name, region=EAST)
    store.write((hour, "a"), DigestRow(Digest(1, 7, 9), time.time()))
    _digest(WEST, 5)
    lose(target, EAST)
    assert status.compared_digests(status.look(target)) == Comparison(1, ())


@pytest.mark.parametrize(
    ("ready", "peer_unhealthy", "forced", "expected"),
    [
        (True, "OK", "OK", "records (if any) send clients to us-east-1"),
        (True, "INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "records (if any) send clients to us-east-1"),
        (True, "ALARM", "OK", "records (if any) send clients away from us-east-1: peer-unhealthy in ALARM in us-west-2."),
        (True, "OK", "ALARM", "records (if any) send clients away from us-east-1: force-failover in ALARM in us-west-2."),
        (False, "OK", "OK", "records (if any) send clients away from us-east-1 if Route 53 gets no 200"),
        (True, None, None, "Where failover records send clients is unknown"),
    ],
)
def test_status_routing_alarms_decide_the_dns_sentence(
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
    *,
    ready: bool,
    peer_unhealthy: str | None,
    forced: str | None,
    expected: str,
) -> None:
    assert target
    for alarm, state in ((PEER_UNHEALTHY, peer_unhealthy), (FORCE_FAILOVER, forced)):
        if state:
            _alarm(WEST, alarm, state)
            _alarm(EAST, alarm, "ALARM")  # which speaks of the secondary, and leads no DNS
    monkeypatch.setattr(status, "_ready", lambda _, found: setattr(found, "ready", ready))
    _, output = _type(*WHERE, "status")
    assert expected in output
    assert _line(output, "peer-unhealthy")[1] == (peer_unhealthy or "unknown")


def test_status_reads_queue_and_api_without_cloudformation(target: Target) -> None:
    hosts = lose(target)
    for region in LIVE.regions:
        _beat(region)
        queue = _client("sqs", region).create_queue(QueueName="serverless-ingest-staging")["QueueUrl"]
        _client("sqs", region).send_message(QueueUrl=queue, MessageBody="{}")
        _client("sqs", region).create_queue(QueueName="serverless-ingest-dlq-staging")
    east, west = status.look(target)
    assert [(one.waiting, one.dead) for one in (east, west)] == [(1, 0), (1, 0)]
    assert not [host for host in hosts if "cloudformation" in host or not {EAST, WEST} & set(host.split("."))]


def test_failback_active_primary_writes_nothing(target: Target) -> None:
    code, output = _type(*WHERE, "failback", "--yes")
    assert (code, "us-east-1 is active already; nothing was written." in output) == (0, True), output
    assert Register(target, EAST).claims() == {}


@pytest.mark.parametrize("shut_by", ["", "a backlog", "replication", "digests"])
def test_failback_yes_does_not_skip_the_checks(target: Target, monkeypatch: pytest.MonkeyPatch, shut_by: str) -> None:
    monkeypatch.setattr(status, "_ready", lambda _, found: setattr(found, "ready", True))
    for region in LIVE.regions:
        put_claim(region, WEST, 1)
        _beat(region, replication_pending=3 if shut_by == "replication" else 1)
        queue = _client("sqs", region).create_queue(QueueName="serverless-ingest-staging")["QueueUrl"]
        if shut_by == "a backlog":
            _client("sqs", region).send_message(QueueUrl=queue, MessageBody="{}")
        _digest(region, 5, objects=1 + (shut_by == "digests" and region == EAST))
    code, output = _type(*WHERE, "failback", "--yes", "--wait", "0")
    assert code == (2 if shut_by else 0), output
    assert Register(target, EAST).claims() == ({WEST: 1} if shut_by else {WEST: 1, EAST: 2})
    assert ("Failback is refused." in output) == bool(shut_by)


def test_status_without_any_answer_draws_no_conclusion(target: Target) -> None:
    console = Console(record=True, width=200)
    status_table.show(console, target, [RegionStatus(EAST), RegionStatus(WEST)], now=0.0)
    text = console.export_text()
    assert "No replica answers, so the active region is unknown." in text
    assert "ailover records" not in text
