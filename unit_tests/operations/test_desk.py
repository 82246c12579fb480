"""The operator's commands on files read the rows that the handlers write, in both regions, and lose no dead letter."""

from __future__ import annotations

import io
import itertools
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from pyarrow import parquet
from typer.testing import CliRunner, Result

from client.configuration import Configuration
from handlers.issuer.ledger import Ledger as IssuerLedger
from handlers.issuer.ledger import Retention
from handlers.issuer.upload_id import new_upload_id
from handlers.issuer.validation import UploadRequest
from handlers.processor import store
from handlers.processor.archive import Archive
from handlers.processor.deadline import Deadline
from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.messages import Message, event_body
from handlers.processor.own_queue import DeadLetters
from handlers.shared import object_keys, timestamps
from handlers.shared.object_keys import Upload, object_identity
from operations import __main__ as command_line
from operations import dead_letters
from operations.attribute_values import as_json, to_wire
from operations.dead_letters import DeadLetterQueue
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.files import CANARIES, Files, file_key_of
from operations.target import Mode, Target
from unit_tests.operations.conftest import lose, put_claim

EAST, WEST = "us-east-1", "us-west-2"
WHERE = ["--account", "123456789012", "--environment", "staging"]
NOW = time.time() - 3600
UPLOAD = Upload("billing", new_upload_id(NOW), "ab" * 32, "reports/january.csv")
RECORDS = ['{"amount": 12345678901234567890123456789.5, "name": "Ü", "parts": [1, null, true]}', '{"b": "x"}']
REJECTION = {"line": 3, "ordinal": 2, "reason": "no amount\x1b[2J", "excerpt": "{}"}


@pytest.fixture
def deployment(target: Target, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Buckets and queues of both regions; the primary holds an upload with two records and one rejection."""
    outputs: dict[str, dict[str, str]] = {}
    for region in target.regions:
        s3, sqs = boto3.client("s3", region_name=region), boto3.client("sqs", region_name=region)
        where: Any = {} if region == EAST else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        for bucket in ("ingest", "archive"):
            s3.create_bucket(Bucket=f"{bucket}-{region}", **where)
        s3.put_bucket_versioning(Bucket=f"ingest-{region}", VersioningConfiguration={"Status": "Enabled"})
        outputs[region] = {
            "IngestBucketName": f"ingest-{region}",
            "ArchiveBucketName": f"archive-{region}",
            "IngestQueueUrl": sqs.create_queue(QueueName=f"ingest-{region}")["QueueUrl"],
            "DeadLetterQueueUrl": sqs.create_queue(QueueName=f"dlq-{region}")["QueueUrl"],
        }

    def of_region(target: Target, region: str) -> Deployment:
        # The table answers as long as the region does; the outputs come from CloudFormation, which moto does not fill.
        target.client("sqs", region).list_queues()
        return Deployment(target, {region: outputs[region]}, {}, {})

    monkeypatch.setattr(Deployment, "of_region", of_region)
    monkeypatch.setitem(dead_letters._WAIT_SECONDS, Mode.LIVE, 0)  # noqa: SLF001 - moto sleeps
    return Deployment(target, outputs, {}, {})


@pytest.fixture
def processed(target: Target, deployment: Deployment) -> str:
    """Let the handlers write an upload in the primary, and its UPLOAD row in the secondary; return its object id."""
    for region in target.regions:
        dynamodb = boto3.client("dynamodb", region_name=region)
        issuer = IssuerLedger(dynamodb=dynamodb, table_name=target.table_name, region=EAST, retention=Retention())
        issuer.note_upload(UploadRequest(UPLOAD, 10), "arn:aws:iam::1:role/a", timestamps.from_epoch(NOW))
    s3 = boto3.client("s3", region_name=EAST)
    s3.put_object(Bucket=deployment.ingest_bucket(EAST), Key=UPLOAD.object_key, Body=b"x")
    _conclude(target, UPLOAD.object_id, UPLOAD.object_key, state="COMPLETED", rejected=1)
    lines = io.BytesIO(json.dumps(REJECTION).encode() + b"\n")
    Archive(s3=s3, bucket=deployment.archive_bucket(EAST)).rejections(UPLOAD.object_id, lines)
    return UPLOAD.object_id


def _conclude(target: Target, object_id: str, key: str, *, state: str, rejected: int = 0, reason: str | None = None) -> None:
    dynamodb = boto3.client("dynamodb", region_name=EAST)
    ledger = store.Ledger(dynamodb=dynamodb, table_name=target.table_name, region=EAST, attempt_retention_days=0)
    ledger.begin(object_id, NOW + 1, processing_version="v1")
    texts = [json.dumps(to_wire(json.loads(one, parse_float=Decimal))).encode() for one in RECORDS]
    accepted = 0 if reason else len(texts)
    if accepted:
        ledger.write_records(object_id, enumerate(texts), "v1", Deadline(lambda: 1_000_000))
    counts: dict[str, Any] = {"accepted": accepted, "rejected": rejected}
    place: dict[str, Any] = {
        "source": "billing",
        "file_key": file_key_of(key),
        "object_key": key,
        "received_at": timestamps.from_epoch(NOW),
    }
    writer: dict[str, Any] = {"region": EAST, "epoch": 0, "version_id": "1", "processing_version": "v1"}
    row = store.Result(state, object_id, **place, **counts, effect_digest="0" * 64, **writer, reason=reason)
    assert ledger.conclude(row, NOW + 2)
    ledger.finish(object_id, NOW + 2, attempts=1)
    concluded = ledger.look(object_id).result
    assert concluded
    ledger.settle(object_id, concluded, NOW + 3, withdrawals=0)


def _type(*arguments: str) -> Result:
    return CliRunner().invoke(command_line.app, [*WHERE, *arguments])


def test_endpoints_prints_the_clients_configuration(deployment: Deployment, tmp_path: Path) -> None:
    for region in (EAST, WEST):
        deployment.regional[region]["ApiEndpoint"] = f"https://a1.execute-api.{region}.amazonaws.com"
    file = tmp_path / "lockstep-client.toml"
    file.write_text(_type("endpoints").stdout, "utf-8")
    read = Configuration.read(file, {"source": "a"})
    assert [(one.region, one.url) for one in read.endpoints] == [
        (region, deployment.regional[region]["ApiEndpoint"]) for region in (EAST, WEST)
    ]


def test_newest_objects_come_without_canaries(target: Target, deployment: Deployment) -> None:
    keys = ["incoming/a", f"{CANARIES}1/{'ab' * 32}/canary", "incoming/b", UPLOAD.object_key]
    for region, key in itertools.product((EAST, WEST), keys):
        boto3.client("s3", region_name=region).put_object(Bucket=deployment.ingest_bucket(region), Key=key, Body=b"x")
    listed = [key for _, _, key in Files(target, [EAST]).newest(2)]
    assert (len(listed), CANARIES) == (2, object_keys.CANARIES)
    assert {key for _, _, key in Files(target).newest(9)} == {"incoming/a", "incoming/b", UPLOAD.object_key}
    assert UPLOAD.object_id in [identity for _, identity, _ in Files(target, [WEST]).newest(9)]


@pytest.mark.parametrize("wanted", ["file_key", "object_key", "object_id"])
def test_files_show_states_versions_and_history_of_both_regions(processed: str, wanted: str) -> None:
    result = _type("files", getattr(UPLOAD, wanted))
    assert result.exit_code == 0, result.output
    for text in (
        UPLOAD.object_key,
        f"object {processed}",
        f"{EAST}: completed: 2 accepted, 1 rejected; 1 version in the bucket",
        f"{WEST}: waiting; 0 versions in the bucket",
        f"{EAST} issued upload {UPLOAD.upload_id}",
        f"{EAST} began; attempts so far: 1",
        f"{EAST} wrote the result: completed",
        f"{EAST} verified the records of its replica",
    ):
        assert text in result.output


def test_files_note_of_another_version_verifies_nothing(target: Target, processed: str) -> None:
    key = {"pk": {"S": f"OBJ#{processed}"}, "sk": {"S": f"REPLICA#{EAST}"}}
    boto3.client("dynamodb", region_name=EAST).update_item(
        TableName=target.table_name,
        Key=key,
        UpdateExpression="SET settled_version = :other",
        ExpressionAttributeValues={":other": {"S": "v0"}},
    )
    assert "records of this replica not verified yet" in _type("files", UPLOAD.file_key).output


def test_files_json_is_one_object_a_line(processed: str) -> None:
    (line,) = _type("files", UPLOAD.file_key, "--json").stdout.splitlines()
    held = json.loads(line)
    assert (held["object_id"], held["file_key"]) == (processed, UPLOAD.file_key)
    assert [step["step"].split()[1] for step in held["history"]] == ["issued", "began;", "wrote", "verified"]


def test_files_lost_region_is_named_and_the_other_shown(target: Target, processed: str) -> None:
    assert processed
    lose(target, WEST)
    result = _type("files", UPLOAD.file_key)
    assert result.exit_code == 1
    assert "us-west-2 is left out: " in result.output
    assert f"{EAST}: completed: 2 accepted" in result.output
    assert "Traceback" not in result.output


def test_files_object_without_rows_is_found_in_the_buckets(deployment: Deployment) -> None:
    put = boto3.client("s3", region_name=WEST).put_object(Bucket=deployment.ingest_bucket(WEST), Key="incoming/a.csv")
    result = _type("files", "a.csv")
    assert f"object {object_identity('ingest', 'incoming/a.csv', put['VersionId'])}" in result.output
    assert f"{EAST}: waiting; 0 versions in the bucket" in result.output
    assert f"{WEST}: waiting; 1 version in the bucket" in result.output


@pytest.mark.parametrize("command", [["files"], ["records"], ["rejected"], ["quarantined", "show"]])
def test_unknown_file_is_explained(deployment: Deployment, command: list[str]) -> None:
    assert deployment
    result = _type(*command, "nothing\x7f")
    assert (result.exit_code, "No object of" in result.output, "\x7f" in result.output) == (1, True, False), result.output


def test_records_are_exported_with_every_digit(processed: str, tmp_path: Path) -> None:
    assert processed
    assert _type("records", UPLOAD.file_key).stdout.splitlines() == RECORDS
    assert _type("records", UPLOAD.file_key, "--output", str(tmp_path / "out")).exit_code == 0
    assert (tmp_path / "out").read_text("utf-8").splitlines() == RECORDS


def test_records_are_exported_as_csv_with_every_digit(processed: str) -> None:
    assert processed
    assert _type("records", UPLOAD.file_key, "--format", "csv").stdout_bytes.decode().splitlines() == [
        "amount,name,parts,b",
        '12345678901234567890123456789.5,Ü,"[1, null, true]",',
        ",,,x",
    ]


def test_records_are_exported_as_parquet_with_every_digit(processed: str, tmp_path: Path) -> None:
    assert processed
    assert _type("records", UPLOAD.file_key, "--format", "parquet", "--output", str(tmp_path / "out")).exit_code == 0
    assert parquet.read_table(tmp_path / "out").to_pylist() == [
        {"amount": Decimal("12345678901234567890123456789.5"), "name": "Ü", "parts": "[1, null, true]", "b": None},
        {"amount": None, "name": None, "parts": None, "b": "x"},
    ]


def test_records_missing_in_the_replica_fail_and_write_no_file(target: Target, processed: str, tmp_path: Path) -> None:
    key = {"pk": {"S": f"REC#{processed}#000000"}, "sk": {"S": f"{1:012d}"}}
    boto3.client("dynamodb", region_name=EAST).delete_item(TableName=target.table_name, Key=key)
    result = _type("records", UPLOAD.file_key, "--output", str(tmp_path / "out"))
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert f"The replica of {EAST} holds 1 records of object {processed}; RESULT states 2." in result.output


def test_json_of_attribute_values_is_valid_and_exact() -> None:
    value = to_wire({"a": [1.5, None, True, {"ü\n": b"\x00"}], "n": 10**37})
    assert as_json(value) == '{"a": [1.5, null, true, {"ü\\n": "AA=="}], "n": 10000000000000000000000000000000000000}'


def test_rejected_records_are_shown_with_control_characters_escaped(processed: str) -> None:
    assert processed
    result = _type("rejected", UPLOAD.file_key)
    assert "line 3: no amount\\x1b[2J\n  {}\n" in result.output
    assert json.loads(_type("rejected", UPLOAD.file_key, "--json").stdout) == REJECTION


def test_quarantined_file_is_listed_explained_and_released(target: Target, deployment: Deployment, tmp_path: Path) -> None:
    s3 = boto3.client("s3", region_name=EAST)
    object_id = object_identity("ingest", "incoming/bad one.json", "1")
    _conclude(target, object_id, "incoming/bad one.json", state="QUARANTINED", reason="not-json: line 1")
    Archive(s3=s3, bucket=deployment.archive_bucket(EAST)).quarantine(object_id, {"reason": "not-json: line 1"})
    s3.put_object(Bucket=deployment.archive_bucket(EAST), Key=f"quarantined/{object_id}/object", Body=b"\x00bytes")
    listed = _type("quarantined", "list", "--hours", "2")
    assert (listed.exit_code, "not-json: line 1" in listed.output, object_id in listed.output) == (0, True, True), (
        listed.output
    )
    shown = _type("quarantined", "show", object_id)
    assert json.loads(shown.stdout) == {"reason": "not-json: line 1"}
    assert "quarantined release 'incoming/bad one.json' " in shown.stderr
    assert _type("quarantined", "download", "bad one.json", "--output", str(tmp_path / "out")).exit_code == 0
    assert (tmp_path / "out").read_bytes() == b"\x00bytes"
    s3.put_object(Bucket=deployment.ingest_bucket(EAST), Key="incoming/bad one.json")
    released = _type("quarantined", "release", "bad one.json", "--yes")
    assert "1 objects were sent to the ingest queue of us-east-1" in released.stdout, released.output
    (message,) = boto3.client("sqs", region_name=EAST).receive_message(
        QueueUrl=deployment.regional[EAST]["IngestQueueUrl"], MessageAttributeNames=["reprocess"]
    )["Messages"]
    assert ("bad+one.json" in message["Body"], "reprocess" in message["MessageAttributes"]) == (True, True)
    for command in ("records", "rejected"):
        result = _type(command, object_id)
        assert (result.exit_code, "has no records: quarantined: not-json" in result.output) == (1, True), result.output


@pytest.mark.parametrize(
    ("command", "file", "why"),
    [
        (["rejected"], "a.csv", "has no records: waiting"),
        (["records"], "a.csv", "has no records: waiting"),
        (["quarantined", "show"], UPLOAD.file_key, "is not quarantined: completed: 2 accepted, 1 rejected"),
        (["quarantined", "download"], UPLOAD.file_key, "is not quarantined: completed"),
        (["quarantined", "show"], "a.csv", "is not quarantined: waiting"),
        (["quarantined", "release", "--yes"], "a.csv", "is not quarantined: waiting"),
    ],
)
def test_file_in_another_state_is_explained_by_its_state(
    deployment: Deployment, processed: str, command: list[str], file: str, why: str
) -> None:
    assert processed
    boto3.client("s3", region_name=WEST).put_object(Bucket=deployment.ingest_bucket(WEST), Key="incoming/a.csv")
    result = _type(*command, file)
    assert (result.exit_code, why in result.output) == (1, True), result.output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--since", "yesterday"], "'yesterday' is not a time"),
        (["--since", "2026-11-30T10", "--until", "2026-11-30T10:00:00.000Z"], "--since is not before --until"),
    ],
)
@pytest.mark.parametrize("command", [["logs"], ["replay", "incoming/a"], ["dlq", "redrive", "--dry-run"]])
def test_span_without_a_moment_is_refused(deployment: Deployment, command: list[str], options: list[str], why: str) -> None:
    assert deployment
    result = _type(*command, *options)
    assert (result.exit_code, why in result.output) == (2, True), result.output


@pytest.fixture
def letters(target: Target, deployment: Deployment) -> None:
    """Let the processor of each region dead-letter three messages, one of them overdue; the primary is active."""
    put_claim(EAST, EAST, 1)
    for region in target.regions:
        sqs = boto3.client("sqs", region_name=region)
        sender = DeadLetters(sqs=sqs, queue_url=deployment.regional[region]["DeadLetterQueueUrl"], region=region)
        for number, fault in enumerate([Fault.OVERDUE, *[Fault.NOT_AN_S3_EVENT] * 2]):
            body = event_body("b", f"incoming/{number}/a b.csv", "1", "2026-11-29T00:00:00Z")
            sender.send(Message("m", "h", body, 1, 0, 7, False, False), UnreadableError(fault, "why"), "id")


def _waiting(deployment: Deployment, region: str) -> tuple[int, int]:
    sqs = boto3.client("sqs", region_name=region)
    urls = [deployment.regional[region][name] for name in ("IngestQueueUrl", "DeadLetterQueueUrl")]
    counts = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
    visible, dead = (int(count["ApproximateNumberOfMessages"]) for count in counts)
    return visible, dead


@pytest.mark.usefixtures("letters")
def test_dead_letters_are_listed_shown_and_visible_again(deployment: Deployment) -> None:
    result = _type("dlq", "list")
    assert (result.exit_code, result.output.count("incoming/")) == (0, 3), result.output
    assert "1 messages with the fault overdue" in result.output
    assert f"Next: lockstep dlq show MESSAGE_ID --region {WEST}" in _type("dlq", "list", "--region", WEST).output
    message_id = next(line.split()[2] for line in result.output.splitlines() if "incoming/0" in line)
    shown = json.loads(_type("dlq", "show", message_id).stdout)
    assert (shown["fault"], shown["reason"], shown["keys"]) == ("overdue", "why", ["incoming/0/a b.csv"])
    assert f"The dead-letter queue of {WEST} holds no message" in _type("dlq", "show", message_id, "--region", WEST).output
    assert _waiting(deployment, EAST) == (0, 3)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("options", "moved"),
    [([], 3), (["--fault", "overdue"], 1), (["--prefix", "incoming/1/"], 1), (["--until", "2020-01-01T00:00:00.000Z"], 0)],
)
def test_redrive_moves_what_the_options_choose_with_attributes(
    deployment: Deployment, options: list[str], moved: int
) -> None:
    dry = _type("dlq", "redrive", *options, "--dry-run")
    assert f"{moved} messages would be sent" in dry.output
    assert _waiting(deployment, EAST) == (0, 3)
    result = _type("dlq", "redrive", *options, "--yes")
    assert f"{moved} messages were sent to the ingest queue of {EAST}" in result.output
    assert _waiting(deployment, EAST) == (moved, 3 - moved)
    assert _waiting(deployment, WEST) == (0, 3)
    if moved:
        url = deployment.regional[EAST]["IngestQueueUrl"]
        sqs = boto3.client("sqs", region_name=EAST)
        (message, *_) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
        assert message["MessageAttributes"]["hops"]["StringValue"] == "7"


@pytest.mark.usefixtures("letters")
def test_redrive_in_the_passive_region_is_refused(deployment: Deployment) -> None:
    result = _type("dlq", "redrive", "--region", WEST, "--yes")
    assert (result.exit_code, f"{WEST} is passive" in result.output) == (2, True), result.output
    assert _waiting(deployment, WEST) == (0, 3)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch"])
def test_redrive_cut_off_loses_no_message(target: Target, deployment: Deployment, operation: str) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "InternalError", "Message": "cut off"}}, operation)

    client = target.client("sqs", EAST)
    client.meta.events.register_first(f"before-call.sqs.{operation}", refuse)
    with pytest.raises(RunFailure, match="could not be redriven") as failure:
        DeadLetterQueue(deployment, EAST).redrive(lambda _: True, lambda _: None)
    assert "No message is lost" in failure.value.hint
    sent = 3 if operation == "DeleteMessageBatch" else 0
    assert _waiting(deployment, EAST) == (sent, 3)


@pytest.mark.usefixtures("letters")
def test_redrive_sends_messages_over_the_batch_limit_apart(deployment: Deployment) -> None:
    sqs = boto3.client("sqs", region_name=EAST)
    for _ in range(3):
        sqs.send_message(QueueUrl=deployment.regional[EAST]["DeadLetterQueueUrl"], MessageBody="x" * 150_000)
    assert DeadLetterQueue(deployment, EAST).redrive(lambda _: True, lambda _: None) == 6
    assert _waiting(deployment, EAST) == (6, 0)


def test_replay_sends_a_file_once_to_the_active_region(target: Target, deployment: Deployment, processed: str) -> None:
    assert processed
    put_claim(WEST, WEST, 3)
    boto3.client("s3", region_name=WEST).put_object(Bucket=deployment.ingest_bucket(WEST), Key="incoming/a.csv")
    result = _type("replay", "incoming/a.csv", "--yes")
    assert "1 objects were sent to the ingest queue of us-west-2" in result.output
    assert _waiting(deployment, WEST) == (1, 0)
    assert _type("replay", "incoming/", "--until", "2020-01-01", "--yes").output.count("0 objects were sent") == 1
    assert target
