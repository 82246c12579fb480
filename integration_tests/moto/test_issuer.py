"""Test the issuer against moto in both regions: uploads, receipts, states, files and readiness.

moto accepts a presigned PUT without checking its signature, and does not replicate. The unit tests check signatures with
their own SigV4; here each test states the replication status that S3 would return.
"""
# ruff: noqa: ANN401 - rows and answers are JSON, and clients of any service have no type in common

import base64
import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from urllib.parse import unquote, urlencode, urlsplit

import boto3
import jsonschema  # type: ignore[import-untyped]
import jwt
import pytest
import requests
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.s3.models import s3_backends

from handlers.issuer import handler as front_door
from handlers.issuer.application import application
from handlers.issuer.upload_id import new_upload_id
from handlers.shared import receipts, schema, timestamps
from handlers.shared.object_keys import Upload
from integration_tests.moto.processor_world import ACCOUNT, PRIMARY, REGIONS, SECONDARY, TABLE, World, bucket
from lockstep.openapi import describe, schema_of_answer
from unit_tests.fixtures.examples import examples

SECRET = "serverless-receipt-signing-prod"
CONTEXT = SimpleNamespace(
    function_name="serverless-issuer-prod",
    function_version="1",
    memory_limit_in_mb=512,
    invoked_function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:serverless-issuer-prod",
    aws_request_id="request-1",
)
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/uploader/session"
ALPHA = f"arn:aws:sts::{ACCOUNT}:assumed-role/alpha/one"
BETA = f"arn:aws:sts::{ACCOUNT}:assumed-role/beta/one"
OBSERVER = f"arn:aws:sts::{ACCOUNT}:assumed-role/serverless-observer-prod-{SECONDARY}/serverless-observer-prod"
KEY = receipts.SigningKey("v" * 32, "k" * 44)
DOCUMENT = describe(1 << 30, REGIONS)
CONTENT = b"a,b\n1,2\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PART_BYTES = 5 << 20
BIG = [bytes([number]) * length for number, length in enumerate((PART_BYTES, PART_BYTES, 9), start=1)]
"""The parts of a file that is sent in parts."""


class FrontDoors(World):
    """Both regions' resources, and a client of their front doors."""

    def __init__(self) -> None:
        super().__init__()
        for region in REGIONS:
            value = json.dumps({"key": "k" * 44})
            self.client("secretsmanager", region).create_secret(Name=SECRET, SecretString=value, ClientRequestToken="v" * 32)

    def call(
        self, method: str, path: str, *, region: str = PRIMARY, body: object = None, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Send a request to the front door of a region; `query` and `headers` are optional."""
        self.enter(region)
        query = more.get("query", {})
        response = front_door.handler(
            {
                "version": "2.0",
                "rawPath": path,
                "rawQueryString": urlencode(query),
                "queryStringParameters": query,
                "headers": more.get("headers", {}),
                "requestContext": {
                    "stage": "$default",
                    "http": {"method": method, "path": path},
                    "authorizer": {"iam": {"userArn": more.get("caller", CALLER)}},
                },
                "body": body if isinstance(body, str | None) else json.dumps(body),
                "isBase64Encoded": False,
            },
            CONTEXT,  # type: ignore[arg-type]
        )
        answer = response["statusCode"], json.loads(response["body"])
        require_described(method, path, *answer)
        return answer

    def issue(self, *, region: str = PRIMARY, caller: str = CALLER, **fields: Any) -> dict[str, Any]:
        """Request an upload, and return the answer."""
        status, answer = self.call("POST", "/uploads", region=region, caller=caller, body=good_body() | fields)
        assert status == 201, answer
        return answer

    def state(self, object_id: str, region: str = PRIMARY) -> str:
        status, answer = self.call("GET", f"/uploads/{object_id}", region=region)
        assert status == 200, answer
        return str(answer["state"])

    def by_key(self, region: str = PRIMARY) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the table's rows by key."""
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in self.items(region)}

    def put_result(self, object_id: str, region: str = PRIMARY, **attributes: Any) -> None:
        """Write what the processor writes: RESULT, and the note that this region's replica holds its records."""
        concluded = {"effect_digest": "0" * 64, "processing_version": "v1"}
        row = {"pk": f"OBJ#{object_id}", "sk": "RESULT", "object_id": object_id, **concluded, **attributes}
        self.write(row, region)
        self.note_replica(object_id, region, concluded)

    def note_replica(self, object_id: str, region: str, written: dict[str, str]) -> None:
        """Write the note that a region's replica holds every record of a RESULT."""
        settled = {"settled_digest": written["effect_digest"], "settled_version": written["processing_version"]}
        self.put_row(object_id, f"REPLICA#{region}", settled)

    def put_row(self, object_id: str, sort_key: str, attributes: dict[str, str]) -> None:
        self.write({"pk": f"OBJ#{object_id}", "sk": sort_key, "object_id": object_id, **attributes}, PRIMARY)

    def write(self, row: dict[str, Any], region: str) -> None:
        item = {name: TypeSerializer().serialize(value) for name, value in row.items()}
        self.client("dynamodb", region).put_item(TableName=TABLE, Item=item)

    def enter(self, region: str) -> None:
        """Let the function run in a region; an execution environment knows one region only."""
        if os.environ.get("AWS_REGION") != region:
            application.cache_clear()
            key = f"arn:aws:kms:{region}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
            name, queue = bucket("ingest", region), self.queue_url("ingest", region)
            os.environ.update(AWS_REGION=region, INGEST_BUCKET=name, QUEUE_URL=queue, DATA_KEY_ARN=key)


def require_described(method: str, path: str, status: int, answer: object) -> None:
    """Fail for an answer that the OpenAPI description of the front door does not allow."""
    route = re.sub(r"(?<= /uploads/)[^/]+", "{id}", f"{method} {path}")
    is_route = method.lower() in DOCUMENT["paths"].get(route.partition(" ")[2], {})
    jsonschema.validate(answer, schema_of_answer(DOCUMENT, route if is_route else "GET /uploads/{id}", status))


def good_body() -> dict[str, Any]:
    return {"key": "reports/january.csv", "size": len(CONTENT), "sha256": DIGEST}


@pytest.fixture(scope="module")
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        variables = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "ENVIRONMENT": "prod",
            "TABLE_NAME": TABLE,
            "SECRET_NAME": SECRET,
            "PRIMARY_REGION": PRIMARY,
            "SECONDARY_REGION": SECONDARY,
            "OBSERVER_ROLE_ARNS": ",".join(f"arn:aws:iam::{ACCOUNT}:role/serverless-observer-prod-{one}" for one in REGIONS),
            "MAXIMUM_OBJECT_BYTES": "20000000",
            "UPLOAD_EXPIRY_SECONDS": "900",
            "UPLOAD_RETENTION_DAYS": "90",
            "CANARY_RETENTION_DAYS": "20",
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        for name in ("AWS_REGION", "INGEST_BUCKET", "QUEUE_URL", "DATA_KEY_ARN"):
            patch.setenv(name, "")
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setattr(front_door.metrics.provider, "namespace", "Lockstep")
        yield
    application.cache_clear()


@pytest.fixture
def world(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontDoors]:  # noqa: ARG001 - fixtures ask for fixtures by their arguments
    with mock_aws():
        os.environ["AWS_REGION"] = ""
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session())
        boto3.DEFAULT_SESSION.events.register("after-call.s3.ListParts", _add_checksums)  # type: ignore[union-attr]
        yield FrontDoors()


def _add_checksums(parsed: dict[str, Any], **_more: object) -> None:
    """Add what S3 lists of each part, and moto does not."""
    for part in parsed.get("Parts", []):
        held = s3_backends[ACCOUNT]["aws"].buckets[parsed["Bucket"]].multiparts[parsed["UploadId"]].parts[part["PartNumber"]]
        part["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(held.value).digest()).decode()


def put(answer: dict[str, Any], content: bytes = CONTENT) -> int:
    return requests.put(answer["url"], data=content, headers=answer["headers"], timeout=5).status_code


# --- uploads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_file_goes_to_the_bucket_of_the_requested_region(world: FrontDoors, region: str) -> None:
    answer = world.issue(region=region, source="billing")
    assert answer["method"] == "PUT"
    assert put(answer) == 200
    key = f"incoming/uploads/billing/{answer['upload_id']}/{DIGEST}/reports/january.csv"
    head = world.client("s3", region).head_object(Bucket=bucket("ingest", region), Key=key)
    assert head["ContentLength"] == len(CONTENT)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert region in head["SSEKMSKeyId"]


def test_same_file_cannot_be_put_twice(world: FrontDoors) -> None:
    answer = world.issue()
    assert put(answer) == 200
    assert put(answer) == 412


def test_upload_row_is_written_once_and_found_by_id_and_by_key(world: FrontDoors) -> None:
    answer = world.issue()
    row = world.by_key()[f"OBJ#{answer['id']}", "UPLOAD#us-east-1"]
    received = timestamps.of_upload(answer["upload_id"])
    assert row["file_key"]["S"] == "reports/january.csv"
    assert row["file_order"]["S"] == f"{received}#{answer['id']}"
    assert row["received_at"]["S"] == received
    time.sleep(0.01)
    world.issue(upload_id=answer["upload_id"])
    assert world.by_key()[f"OBJ#{answer['id']}", "UPLOAD#us-east-1"] == row


@pytest.mark.parametrize("again_in", REGIONS)
def test_retry_in_either_region_gets_the_same_id(world: FrontDoors, again_in: str) -> None:
    first = world.issue()
    world.replicate_table(source=PRIMARY)
    again = world.issue(region=again_in, upload_id=first["upload_id"])
    assert (again["id"], again["upload_id"]) == (first["id"], first["upload_id"])
    assert again_in in again["url"]


@pytest.mark.parametrize("again_in", REGIONS)
@pytest.mark.parametrize("changed", [{"sha256": "cd" * 32}, {"key": "other.csv"}, {"size": 9}])
def test_upload_id_is_for_one_file(world: FrontDoors, changed: dict[str, Any], again_in: str) -> None:
    upload_id = world.issue()["upload_id"]
    world.replicate_table(source=PRIMARY)
    before = world.by_key(again_in)
    status, answer = world.call("POST", "/uploads", region=again_in, body=good_body() | {"upload_id": upload_id} | changed)
    assert (status, answer["error"]) == (409, "UploadIdReused")
    assert next(iter(changed)) in answer["message"]
    assert "us-east-1" in answer["message"]
    assert world.by_key(again_in) == before


def test_refused_claim_leaves_the_first_file_unchanged(world: FrontDoors) -> None:
    upload_id = world.issue()["upload_id"]
    world.call("POST", "/uploads", body=good_body() | {"upload_id": upload_id, "key": "other.csv"})
    world.issue(upload_id=upload_id)


def test_rows_of_an_upload_expire_long_after_its_id(world: FrontDoors) -> None:
    before = time.time()
    world.issue()
    rows = world.by_key()
    assert {key[0].split("#")[0] for key in rows} == {"CLAIM", "OBJ"}
    for row in rows.values():
        assert int(row["expires_at"]["N"]) == pytest.approx(before + 90 * 86_400, abs=60)


def test_two_sources_may_use_one_upload_id(world: FrontDoors) -> None:
    first = world.issue(source="a")
    second = world.issue(source="b", upload_id=first["upload_id"], key="other.csv")
    assert first["id"] != second["id"]


def test_request_after_an_interrupted_one_completes_the_upload(world: FrontDoors) -> None:
    answer = world.issue()
    world.client("dynamodb", PRIMARY).delete_item(
        TableName=TABLE, Key={"pk": {"S": f"OBJ#{answer['id']}"}, "sk": {"S": "UPLOAD#us-east-1"}}
    )
    world.issue(upload_id=answer["upload_id"])
    assert (f"OBJ#{answer['id']}", "UPLOAD#us-east-1") in world.by_key()


def test_issuer_writes_no_row_of_another_region(world: FrontDoors) -> None:
    world.issue(region=SECONDARY)
    world.call("GET", "/ready", region=SECONDARY)
    rows = world.by_key(SECONDARY)
    assert len(rows) == 3
    assert all(SECONDARY in partition + sort for partition, sort in rows)


def test_unreadable_secret_answers_503_and_writes_no_upload(world: FrontDoors) -> None:
    world.client("secretsmanager", PRIMARY).delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    status, answer = world.call("POST", "/uploads", body=good_body())
    assert (status, answer["error"]) == (503, "TemporarilyUnavailable")
    assert not [key for key in world.by_key() if key[0].startswith("OBJ#")]


def test_unreadable_table_answers_503(world: FrontDoors) -> None:
    world.client("dynamodb", PRIMARY).delete_table(TableName=TABLE)
    for method, path in [("POST", "/uploads"), ("GET", f"/uploads/{'ab' * 32}"), ("GET", "/files")]:
        status, answer = world.call(method, path, body=good_body(), query={"key": "a"})
        assert (status, answer["error"]) == (503, "TemporarilyUnavailable")


# --- multipart uploads ------------------------------------------------------------------------------------------


class BigFile:
    """A file that is sent in parts to the front door of a region."""

    def __init__(self, world: FrontDoors, region: str = PRIMARY, **fields: Any) -> None:
        self.world, self.region = world, region
        content = b"".join(BIG)
        sha256 = hashlib.sha256(content).hexdigest()
        body: dict[str, Any] = {"key": "big.csv", "size": len(content), "sha256": sha256, "part_size": PART_BYTES}
        self.issued = world.issue(region=region, **(body | fields))
        self.key = f"incoming/uploads/default/{self.issued['upload_id']}/{sha256}/big.csv"

    def ask(self, verb: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Send a request about the upload; its body names all parts."""
        digests = [hashlib.sha256(part) for part in BIG]
        bodies = {
            "parts": {"parts": [{"number": n, "sha256": each.hexdigest()} for n, each in enumerate(digests, start=1)]},
            "complete": {"parts_sha256": hashlib.sha256(b"".join(each.digest() for each in digests)).hexdigest()},
        }
        usual: dict[str, Any] = {"headers": {"x-upload-receipt": self.issued["receipt"]}, "region": self.region}
        return self.world.call("POST", f"/uploads/{self.issued['id']}/{verb}", **({**usual, "body": bodies[verb]} | more))

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts that are left to send."""
        status, answer = self.ask("parts")
        assert status == 200, answer
        return list(answer["parts"])

    def send(self, *numbers: int) -> None:
        for part in self.parts():
            if part["number"] in (numbers or (1, 2, 3)):
                assert put(part, BIG[part["number"] - 1]) == 200

    @property
    def versions(self) -> list[dict[str, Any]]:
        listing = self.world.client("s3", self.region).list_object_versions(Bucket=bucket("ingest", self.region))
        return list(listing.get("Versions", []))

    @property
    def begun(self) -> list[str]:
        """S3's ids of the incomplete multipart uploads."""
        listing = self.world.client("s3", self.region).list_multipart_uploads(Bucket=bucket("ingest", self.region))
        return [one["UploadId"] for one in listing.get("Uploads", [])]


@pytest.mark.parametrize("region", REGIONS)
def test_parts_become_one_object_under_the_same_identity(world: FrontDoors, region: str) -> None:
    file = BigFile(world, region)
    assert (file.issued["parts"], file.issued["part_size"]) == (3, PART_BYTES)
    by_one_put = BigFile(world, region, upload_id=file.issued["upload_id"], part_size=None)
    assert (by_one_put.issued["id"], by_one_put.issued["method"]) == (file.issued["id"], "PUT")
    file.send()
    assert file.versions == []
    answers = [file.ask("complete") for _ in range(2)]
    assert answers == [(200, {"id": file.issued["id"], "state": "accepted", "region": region})] * 2
    (version,) = file.versions
    assert version["Key"] == file.key
    held = world.client("s3", region).get_object(Bucket=bucket("ingest", region), Key=file.key)
    assert held["Body"].read() == b"".join(BIG)
    assert (held["ServerSideEncryption"], region in held["SSEKMSKeyId"]) == ("aws:kms", True)
    assert file.ask("parts") == (200, {"id": file.issued["id"], "complete": True, "parts": []})
    assert file.begun == []


def test_multipart_upload_sends_as_many_requests_as_docs_cost_says(world: FrontDoors) -> None:
    file, sent = BigFile(world), Counter[str]()
    for client in (application().multipart.presigner.s3, application().multipart.completing):
        client.meta.events.register("before-call", lambda model, **_: sent.update([model.name]))
    file.send()
    assert file.ask("complete")[0] == 200
    lists = {"ListMultipartUploads": 1 + 1 + 2, "ListParts": 1 + 1}
    assert sent == lists | {"HeadObject": 2, "CreateMultipartUpload": 1, "CompleteMultipartUpload": 1}


def test_client_that_crashed_sends_only_the_parts_that_are_left(world: FrontDoors) -> None:
    file = BigFile(world)
    file.send(1, 3)
    resumed = BigFile(world, upload_id=file.issued["upload_id"])
    status, refusal = resumed.ask("complete")
    assert (status, refusal["error"], refusal["message"]) == (409, "PartsMissing", "1 of 3 parts have not arrived: 2")
    assert [part["number"] for part in resumed.parts()] == [2]
    resumed.send()
    assert resumed.ask("complete")[0] == 200
    assert len(file.begun) == 0


@pytest.mark.parametrize(
    ("sent", "error"), [(b"x", "PartsMissing"), (bytes(PART_BYTES), "PartsDiffer")], ids=["short", "of another part size"]
)
def test_part_that_arrived_with_other_bytes_is_sent_again(world: FrontDoors, sent: bytes, error: str) -> None:
    """Another client with another part size may send a part of the same number and length."""
    file = BigFile(world)
    other = {"parts": [{"number": 2, "sha256": hashlib.sha256(sent).hexdigest()}]}
    (part,) = file.ask("parts", body=other)[1]["parts"]
    assert put(part, sent) == 200
    file.send(1, 3)
    status, refusal = file.ask("complete")
    assert (status, refusal.get("error"), file.versions) == (409, error, [])
    assert [part["number"] for part in file.parts()] == [2]
    file.send()
    assert file.ask("complete")[0] == 200


def test_requests_at_the_same_time_fill_one_multipart_upload(world: FrontDoors) -> None:
    file = BigFile(world)
    file.send(1)
    world.client("s3", PRIMARY).create_multipart_upload(Bucket=bucket("ingest", PRIMARY), Key=file.key)
    file.send()
    assert len(file.begun) == 2
    assert file.ask("complete")[0] == 200
    assert (len(file.versions), file.begun) == (1, [])


def test_parts_of_a_file_that_arrived_by_one_put_are_removed(world: FrontDoors) -> None:
    file = BigFile(world)
    file.send(1)
    world.client("s3", PRIMARY).put_object(Bucket=bucket("ingest", PRIMARY), Key=file.key, Body=b"".join(BIG))
    assert file.ask("parts")[1]["complete"] is True
    assert file.ask("complete")[0] == 200
    assert (len(file.versions), file.begun) == (1, [])


@pytest.mark.parametrize(
    ("call", "verb", "begins_with", "expected"),
    [
        ("CreateMultipartUpload", "parts", (), (503, 200)),
        ("ListMultipartUploads", "parts", (1,), (503, 200)),
        ("ListMultipartUploads", "complete", (1, 2, 3), (200, 200)),
    ],
)
def test_request_that_another_one_completes_meanwhile_succeeds_if_repeated(
    world: FrontDoors, call: str, verb: str, begins_with: tuple[int, ...], expected: tuple[int, int]
) -> None:
    file, s3, where = BigFile(world), world.client("s3", PRIMARY), {"Bucket": bucket("ingest", PRIMARY)}
    if begins_with:
        file.send(*begins_with)

    def complete_meanwhile(**_: object) -> None:
        if not file.versions:
            s3.put_object(**where, Key=file.key, Body=b"".join(BIG))
            for multipart_id in file.begun:
                s3.abort_multipart_upload(**where, Key=file.key, UploadId=multipart_id)

    events = application().multipart.presigner.s3.meta.events
    events.register(f"after-call.s3.{call}", complete_meanwhile)
    try:
        statuses = tuple(file.ask(verb)[0] for _ in range(2))
    finally:
        events.unregister(f"after-call.s3.{call}", complete_meanwhile)
    assert statuses == expected
    assert (file.ask("parts")[1]["complete"], len(file.versions), file.begun) == (True, 1, [])


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchUpload", "ConditionalRequestConflict", "InternalError"])
@pytest.mark.parametrize("is_stored", [True, False])
def test_failed_completion_succeeds_only_if_the_object_is_there(
    world: FrontDoors, monkeypatch: pytest.MonkeyPatch, code: str, *, is_stored: bool
) -> None:
    file = BigFile(world)
    file.send()
    completing = Mock()
    completing.complete_multipart_upload.side_effect = ClientError({"Error": {"Code": code, "Message": ""}}, "Complete")
    looks = iter([False, is_stored])
    broken = replace(application().multipart, completing=completing, is_stored=lambda _key: next(looks))
    monkeypatch.setattr(front_door, "application", lambda: replace(application(), multipart=broken))
    assert file.ask("complete")[0] == (200 if is_stored and code != "InternalError" else 503)
    (call,) = completing.complete_multipart_upload.call_args_list
    assert (call.kwargs["IfNoneMatch"], call.kwargs["MpuObjectSize"]) == ("*", sum(map(len, BIG)))


@pytest.mark.parametrize("verb", ["parts", "complete"])
def test_only_a_receipt_for_parts_of_this_region_is_taken(tenants: FrontDoors, verb: str) -> None:
    file = BigFile(tenants, source="alpha", caller=ALPHA)
    single = tenants.issue(key="one.csv", source="alpha", caller=ALPHA)["receipt"]
    upload = receipts.verify(file.issued["receipt"], [KEY])
    aged = replace(upload, upload=replace(upload.upload, upload_id=new_upload_id(time.time() - 8 * 86_400)))
    for more, expected in (
        ({"headers": {}}, (400, "ReceiptRefused")),
        ({"headers": {"x-upload-receipt": single}}, (400, "ReceiptRefused")),
        ({"caller": BETA}, (403, "SourceNotYours")),
        ({"region": SECONDARY}, (409, "ReceiptRefused")),
    ):
        status, refusal = file.ask(verb, **({"caller": ALPHA} | more))
        assert (status, refusal["error"]) == expected
    for receipt, status in ((replace(upload, part_size=0), 409), (aged, 400)):
        path = f"/uploads/{receipt.upload.object_id}/{verb}"
        headers = {"x-upload-receipt": receipts.sign(receipt, KEY)}
        assert tenants.call("POST", path, caller=ALPHA, headers=headers)[0] == status
    assert file.begun == []


@pytest.mark.parametrize(
    "parts",
    [
        *(None, [], "x", [1], [{}], [{"number": 1}], [{"number": 0, "sha256": DIGEST}], [{"number": 4, "sha256": DIGEST}]),
        *([{"number": number, "sha256": DIGEST}] for number in ("1", 1.0, -1, 10_001, None)),
        *([{"number": True, "sha256": DIGEST}], [{"number": 1, "sha256": "x"}], [{"number": 1, "sha256": DIGEST}] * 2),
        *([{"number": 1, "sha256": DIGEST, "size": 1}], [{"number": 1, "sha256": DIGEST}] * 101),
    ],
)
def test_list_of_parts_that_is_wrong_is_refused_with_a_hint(world: FrontDoors, parts: object) -> None:
    file = BigFile(world)
    status, refusal = file.ask("parts", body={"parts": parts})
    assert (status, refusal["error"]) == (400, "InvalidRequest")
    assert refusal["problems"][0]["hint"]
    assert file.begun == []


@pytest.mark.parametrize("wrong", [{}, {"parts_sha256": "x"}, {"parts_sha256": 1}, {"parts_sha256": DIGEST, "parts": []}])
def test_completion_without_the_hash_of_its_parts_is_refused(world: FrontDoors, wrong: dict[str, Any]) -> None:
    status, refusal = BigFile(world).ask("complete", body=wrong)
    assert (status, refusal["problems"][0]["field"]) == (400, "parts_sha256")


# --- receipts ---------------------------------------------------------------------------------------------------


def test_receipt_names_the_accepted_file_and_the_key_version(world: FrontDoors) -> None:
    answer = world.issue(region=SECONDARY)
    assert jwt.get_unverified_header(answer["receipt"])["kid"] == "v" * 32
    claims = jwt.decode(answer["receipt"], "k" * 44, algorithms=["HS256"], issuer="lockstep")
    assert abs(claims.pop("iat") - time.time()) < 5
    assert claims == {
        "iss": "lockstep",
        "object_id": answer["id"],
        "upload_id": answer["upload_id"],
        "source": "default",
        "key": "reports/january.csv",
        "size": len(CONTENT),
        "sha256": DIGEST,
        "region": SECONDARY,
    }


def test_receipt_lets_the_other_region_answer_before_its_table_does(world: FrontDoors) -> None:
    answer = world.issue()
    path = f"/uploads/{answer['id']}"
    assert world.call("GET", path, region=SECONDARY)[0] == 404
    headers = {"x-upload-receipt": answer["receipt"]}
    status, reply = world.call("GET", path, region=SECONDARY, headers=headers)
    assert (status, reply["state"]) == (200, "unknown")


def test_changed_or_foreign_receipt_is_refused(world: FrontDoors) -> None:
    answer, other = world.issue(), world.issue(key="other.csv")
    head, claims, signature = answer["receipt"].split(".")
    for receipt in (other["receipt"], f"{head}.{claims[:-4]}AAAA.{signature}", f"{head}.{claims}.AAAA", "nonsense"):
        status, reply = world.call("GET", f"/uploads/{answer['id']}", headers={"x-upload-receipt": receipt})
        assert (status, reply["error"]) == (400, "ReceiptRefused")


# --- states -----------------------------------------------------------------------------------------------------


def test_upload_goes_from_unknown_to_accepted_to_processed(world: FrontDoors) -> None:
    answer = world.issue()
    assert world.state(answer["id"]) == "unknown"
    put(answer)
    assert world.state(answer["id"]) == "accepted"
    world.put_result(
        answer["id"], state="COMPLETED", file_key="reports/january.csv", size=8, records=3, accepted=2, rejected=1
    )
    _, reply = world.call("GET", f"/uploads/{answer['id']}")
    assert (reply["state"], reply["records"], reply["accepted"], reply["rejected"]) == ("processed", 3, 2, 1)
    assert (reply["key"], reply["upload_id"], reply["size"]) == ("reports/january.csv", answer["upload_id"], 8)


@pytest.mark.parametrize(("status", "durable"), [("PENDING", False), ("COMPLETED", True), ("REPLICA", True)])
def test_replication_status_of_s3_makes_an_upload_durable(world: FrontDoors, status: str, *, durable: bool) -> None:
    answer = world.issue()
    put(answer)
    s3_says(status)
    _, answered = world.call("GET", f"/uploads/{answer['id']}")
    assert (answered["state"], answered["durable"]) == ("accepted", durable)


def test_processed_object_in_one_bucket_is_not_durable(world: FrontDoors) -> None:
    answer = world.issue()
    put(answer)
    key = answer["url"].partition("?")[0].partition("/incoming/")[2]
    written = {"effect_digest": "0" * 64, "processing_version": "v1"}
    world.put_result(answer["id"], state="COMPLETED", file_key="a.csv", object_key=f"incoming/{key}", **written)

    def durable() -> bool:
        _, answered = world.call("GET", f"/uploads/{answer['id']}")
        assert answered["state"] == "processed"
        return bool(answered["durable"])

    seen = [durable()]
    for region in (PRIMARY, SECONDARY):
        world.note_replica(answer["id"], region, written)
        seen.append(durable())
    s3_says("COMPLETED")
    assert [*seen, durable()] == [False, False, False, True]


def test_deleted_upload_is_quarantined_until_a_copy_is_processed(world: FrontDoors) -> None:
    answer = world.issue()
    world.put_row(answer["id"], f"ATTEMPT#{SECONDARY}", {"gone": "gone: of the other region's bucket"})
    assert world.state(answer["id"]) == "unknown", "an attempt of the other region proves nothing here"
    world.put_row(answer["id"], f"ATTEMPT#{PRIMARY}", {"gone": "gone: version v1 was deleted"})
    _, answered = world.call("GET", f"/uploads/{answer['id']}")
    assert (answered["state"], answered["reason"], answered["durable"]) == (
        "quarantined",
        "gone: version v1 was deleted",
        False,
    )
    world.put_result(answer["id"], state="COMPLETED", file_key="a.csv", size=8, records=1, accepted=1, rejected=0)
    assert world.state(answer["id"]) == "processed"


def s3_says(status: str) -> None:
    """Answer each HEAD with a replication status, because moto does not replicate."""
    events = application().states._s3.meta.events  # noqa: SLF001 - S3's word is put in here
    events.register("after-call.s3.HeadObject", lambda parsed, **_: parsed.update(ReplicationStatus=status))


def test_quarantined_object_has_its_reason(world: FrontDoors) -> None:
    world.put_result("ab" * 32, state="QUARANTINED", file_key="a.csv", reason="the gzip stream ends early")
    _, reply = world.call("GET", f"/uploads/{'AB' * 32}")
    assert (reply["state"], reply["reason"]) == ("quarantined", "the gzip stream ends early")


@pytest.mark.parametrize(("region", "state"), [(PRIMARY, "accepted"), (SECONDARY, "unknown")])
def test_direct_put_is_accepted_once_this_region_has_begun_it(world: FrontDoors, region: str, state: str) -> None:
    item = {"pk": {"S": f"OBJ#{'ab' * 32}"}, "sk": {"S": f"ATTEMPT#{region}"}, "attempts": {"N": "1"}}
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=item)
    assert world.state("ab" * 32) == state


def test_unknown_id_is_explained(world: FrontDoors) -> None:
    status, reply = world.call("GET", f"/uploads/{'ab' * 32}", region=SECONDARY)
    assert (status, reply["error"]) == (404, "NotFound")
    assert SECONDARY in reply["message"]
    assert "receipt" in reply["hint"]


# --- files ------------------------------------------------------------------------------------------------------


def test_objects_of_a_key_come_newest_first_and_each_once(world: FrontDoors) -> None:
    now = time.time()
    ids = [new_upload_id(now - age) for age in (300, 200, 100)]
    issued = [world.issue(upload_id=upload_id) for upload_id in ids]
    world.issue(key="other.csv")
    world.issue(region=SECONDARY, upload_id=ids[0])  # a retry there: a second row of the same object
    world.replicate_table(source=SECONDARY)
    received = timestamps.of_upload(ids[1])
    world.put_result(
        issued[1]["id"],
        state="COMPLETED",
        accepted=2,
        file_key="reports/january.csv",
        file_order=f"{received}#{issued[1]['id']}",
    )
    put(issued[2])
    _, reply = world.call("GET", "/files", query={"key": "reports/january.csv"})
    assert [file["id"] for file in reply["files"]] == [each["id"] for each in reversed(issued)]
    assert [file["state"] for file in reply["files"]] == ["accepted", "processed", "unknown"]
    assert reply["files"][2]["uploads_issued_in"] == [PRIMARY, SECONDARY]
    assert reply["next"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_object_once_in_order(world: FrontDoors, limit: int) -> None:
    now = time.time()
    ids = [new_upload_id(now - age) for age in range(7)]
    for region in REGIONS:
        issued = [world.issue(region=region, upload_id=upload_id) for upload_id in ids]
    world.replicate_table(source=SECONDARY)
    seen: list[str] = []
    query = {"key": "reports/january.csv", "limit": str(limit)}
    for _page in range(9):
        _, reply = world.call("GET", "/files", query=query)
        assert len(reply["files"]) <= limit
        seen += [file["id"] for file in reply["files"]]
        if reply["next"] is None:
            break
        query["next"] = reply["next"]
    assert seen == [each["id"] for each in issued]


def test_unused_key_has_no_files(world: FrontDoors) -> None:
    assert world.call("GET", "/files", query={"key": "none.csv"}) == (200, {"key": "none.csv", "files": [], "next": None})


# --- readiness --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", REGIONS)
def test_region_with_everything_is_ready(world: FrontDoors, region: str) -> None:
    status, reply = world.call("GET", "/ready", region=region)
    assert (status, reply["status"], reply["region"]) == (200, "ready", region)
    assert set(reply["checks"]) == {"table", "queue", "secret", "control"}
    assert (f"HEALTH#{region}", "READY") in world.by_key(region)


@pytest.mark.parametrize(
    ("missing", "failing"), [("table", {"table", "control"}), ("queue", {"queue"}), ("secret", {"secret"})]
)
def test_missing_dependency_is_not_ready(world: FrontDoors, missing: str, failing: set[str]) -> None:
    world.enter(PRIMARY)
    match missing:
        case "table":
            world.client("dynamodb", PRIMARY).delete_table(TableName=TABLE)
        case "queue":
            world.client("sqs", PRIMARY).delete_queue(QueueUrl=os.environ["QUEUE_URL"])
        case _:
            world.client("secretsmanager", PRIMARY).delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    status, reply = world.call("GET", "/ready")
    assert (status, reply["status"]) == (503, "not ready")
    assert {name for name, check in reply["checks"].items() if not check["ok"]} == failing
    assert all(check["problem"] == "missing" for check in reply["checks"].values() if not check["ok"])
    assert ACCOUNT not in json.dumps(reply)
    assert "arn:" not in json.dumps(reply)


def test_ready_register_denied_is_not_ready(world: FrontDoors, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetItem")
    monkeypatch.setattr("handlers.shared.control.ControlRegister.read", Mock(side_effect=error))
    status, reply = world.call("GET", "/ready")
    assert (status, reply["checks"]["control"]) == (503, {"ok": False, "problem": "denied"})
    assert {name for name, check in reply["checks"].items() if not check["ok"]} == {"control"}


@pytest.mark.parametrize("epoch", [None, {"S": "1"}, {"N": "1.5"}, {"N": "-1"}, {"BOOL": True}, {"N": "1E+38"}])
def test_ready_malformed_control_row_stays_ready(world: FrontDoors, epoch: dict[str, Any] | None) -> None:
    row = {"pk": {"S": schema.control_partition_key(SECONDARY)}, "sk": {"S": schema.ACTIVE}}
    item: Any = row | ({"epoch": epoch} if epoch else {})
    world.client("dynamodb", PRIMARY).put_item(TableName=TABLE, Item=item)
    assert world.call("GET", "/ready")[0] == 200


def test_loss_of_the_other_region_leaves_this_one_ready(world: FrontDoors) -> None:
    world.client("dynamodb", PRIMARY).delete_table(TableName=TABLE)
    assert world.call("GET", "/ready", region=SECONDARY)[0] == 200


# --- tenants ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tenants(world: FrontDoors, monkeypatch: pytest.MonkeyPatch) -> FrontDoors:
    bound = f"alpha=arn:aws:iam::{ACCOUNT}:role/teams/alpha,beta=arn:aws:iam::{ACCOUNT}:role/beta"
    monkeypatch.setenv("CALLERS", bound)
    application.cache_clear()
    return world


@pytest.mark.parametrize("caller", [CALLER, ALPHA, f"arn:aws:iam::{ACCOUNT}:root", "", None, 7])
def test_canary_source_of_another_caller_is_refused(world: FrontDoors, caller: object) -> None:
    before = world.by_key()
    status, answer = world.call("POST", "/uploads", body=good_body() | {"source": "canary"}, caller=caller)
    assert (status, answer["error"]) == (403, "SourceNotYours")
    assert world.by_key() == before


def test_only_observers_may_send_and_read_canaries(world: FrontDoors) -> None:
    status, answer = world.call("POST", "/uploads", body=good_body() | {"source": "canary"}, caller=OBSERVER)
    assert status == 201
    assert put(answer) == 200
    assert world.call("GET", f"/uploads/{answer['id']}", caller=OBSERVER)[0] == 200
    assert world.call("GET", f"/uploads/{answer['id']}")[0] == 404
    assert world.call("GET", "/files", query={"key": "reports/january.csv"})[1]["files"] == []
    assert world.call("POST", "/uploads", body=good_body(), caller=OBSERVER)[0] == 403, "an observer may send canaries only"


def test_rows_of_an_upload_hold_the_caller(world: FrontDoors) -> None:
    answer = world.issue()
    role = {"S": f"arn:aws:iam::{ACCOUNT}:role/uploader"}
    assert world.by_key()[f"OBJ#{answer['id']}", "UPLOAD#us-east-1"]["caller"] == role
    assert world.by_key()[f"CLAIM#default#{answer['upload_id']}", "UPLOAD#us-east-1"]["caller"] == role


def test_source_left_out_by_a_bound_caller_is_its_own(tenants: FrontDoors) -> None:
    status, answer = tenants.call("POST", "/uploads", body=good_body(), caller=ALPHA)
    assert status == 201
    assert tenants.call("GET", f"/uploads/{answer['id']}", caller=ALPHA)[1]["source"] == "alpha"


def test_caller_without_a_source_may_use_nothing(tenants: FrontDoors) -> None:
    for source in ("alpha", "beta", "default", "ingest", "canary"):
        assert tenants.call("POST", "/uploads", body=good_body() | {"source": source})[0] == 403


def test_receipt_of_another_tenant_gives_no_access(tenants: FrontDoors) -> None:
    _, answer = tenants.call("POST", "/uploads", body=good_body(), caller=ALPHA)
    headers = {"x-upload-receipt": answer["receipt"]}
    for region in REGIONS:
        asked = [
            tenants.call(
                "GET", f"/uploads/{one}", region=region, headers=headers if one == answer["id"] else {}, caller=BETA
            )
            for one in (answer["id"], "ab" * 32)
        ]
        (status, reply), (missing_status, missing) = asked
        assert (status, reply["error"]) == (missing_status, missing["error"]) == (404, "NotFound")
        assert reply["message"].replace(answer["id"], "") == missing["message"].replace("ab" * 32, "")


def test_409_to_another_principal_of_the_source_shows_no_details(world: FrontDoors) -> None:
    upload_id = world.issue(key="secret.csv")["upload_id"]
    other = good_body() | {"upload_id": upload_id, "key": "other.csv"}
    status, reply = world.call("POST", "/uploads", body=other, caller=BETA)
    assert status == 409
    assert not [word for word in ("secret.csv", PRIMARY, DIGEST) if word in json.dumps(reply)]
    assert "secret.csv" in json.dumps(world.call("POST", "/uploads", body=other)[1]), "the caller's own is explained"


STRANGERS = (
    BETA,
    CALLER,
    ALPHA.replace("/alpha/", "/alpha2/"),
    ALPHA.replace(ACCOUNT, "210987654321"),
    ALPHA.replace("arn:aws:", "arn:aws-cn:"),
    f"arn:aws:sts::{ACCOUNT}:federated-user/alpha",
    f"arn:aws:iam::{ACCOUNT}:user/alpha",
    f"arn:aws:iam::{ACCOUNT}:root",
    "",
    None,
)
"""Callers other than the role `alpha`, in the forms of API Gateway."""


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
@pytest.mark.parametrize("region", REGIONS)
def test_each_route_refuses_another_caller_of_the_source(tenants: FrontDoors, stranger: object, region: str) -> None:
    _, answer = tenants.call("POST", "/uploads", body=good_body(), caller=ALPHA)
    put(answer)
    tenants.replicate_table(source=PRIMARY)
    tenants.put_result(answer["id"], region, source="alpha", file_key="reports/january.csv", file_order="2026#x", state="x")
    before = tenants.by_key(region)
    receipt = {"x-upload-receipt": answer["receipt"]}

    def ask(method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        return tenants.call(method, path, region=region, caller=stranger, **more)

    hostile = [good_body() | {"source": "alpha", **with_id} for with_id in ({}, {"upload_id": answer["upload_id"]})]
    for body in hostile:
        assert ask("POST", "/uploads", body=body)[0] == 403
    assert ask("GET", f"/uploads/{answer['id']}")[0] == 404
    assert ask("GET", f"/uploads/{answer['id'].upper()}", headers=receipt)[0] == 404
    status, listed = ask("GET", "/files", query={"key": "reports/january.csv"})
    assert (status, listed["files"], listed["next"]) == (200, [], None)
    for method, path in (
        ("PUT", "/uploads"),
        ("DELETE", f"/uploads/{answer['id']}"),
        ("GET", "/uploads"),
        ("GET", f"/uploads/{answer['id']}/"),
        ("POST", f"/uploads/{answer['id']}"),
        ("GET", f"//uploads/{answer['id']}"),
    ):
        status, answered = ask(method, path)
        assert status in (400, 404), (method, path)
        assert not [word for word in ("january", answer["upload_id"], DIGEST) if word in json.dumps(answered)]
    assert tenants.by_key(region) == before, "a refused request writes nothing"
    assert tenants.call("GET", f"/uploads/{answer['id']}", region=region, caller=ALPHA)[0] == 200


def test_claim_without_a_caller_shows_no_details(world: FrontDoors) -> None:
    """A row of an earlier version, which noted no caller."""
    answer = world.issue(key="secret.csv")
    key = {"pk": {"S": f"CLAIM#default#{answer['upload_id']}"}, "sk": {"S": f"UPLOAD#{PRIMARY}"}}
    world.client("dynamodb", PRIMARY).update_item(
        TableName=TABLE, Key=key, UpdateExpression="REMOVE #c", ExpressionAttributeNames={"#c": "caller"}
    )
    body = good_body() | {"upload_id": answer["upload_id"], "key": "other.csv"}
    status, answered = world.call("POST", "/uploads", body=body)
    assert status == 409
    assert "secret.csv" not in json.dumps(answered)


@pytest.mark.property
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from([ALPHA, BETA]), st.sampled_from(["alpha", "beta"]), st.sampled_from(REGIONS), st.integers(0, 2)
        ),
        max_size=8,
    )
)
def test_hostile_requests_of_a_tenant_leave_the_other_unchanged(
    tenants: FrontDoors, moves: list[tuple[str, str, str, int]]
) -> None:
    """Each request of another caller, in any region and state, gets the same 403 and writes no row."""
    now = time.time()
    ids = [new_upload_id(now - age) for age in range(3)]
    for caller, source, region, which in moves:
        key = f"{source}-{which}.csv"
        body = good_body() | {"source": source, "upload_id": ids[which], "key": key}
        status, answer = tenants.call("POST", "/uploads", region=region, body=body, caller=caller)
        mine = f"/{source}/" in caller
        assert status == (201 if mine else 403)
        if not mine:
            assert key not in json.dumps(answer)
            assert ids[which] not in json.dumps(answer)
        for reader in (ALPHA, BETA):
            _, listed = tenants.call("GET", "/files", region=region, query={"key": key}, caller=reader)
            assert all(f"/{one['source']}/" in reader for one in listed["files"])
            assert listed["next"] is None
    for region in REGIONS:
        for (partition, _), row in tenants.by_key(region).items():
            if partition.startswith("CLAIM#"):
                assert row["caller"]["S"].endswith(f"/{partition.split('#')[1]}")


# --- anything ---------------------------------------------------------------------------------------------------

almost_good = st.fixed_dictionaries(
    {
        "key": st.text(st.characters(), max_size=30) | st.none(),
        "size": st.integers(-1, 10**7),
        "sha256": st.sampled_from([DIGEST, DIGEST.upper(), "ab", ""]),
    },
    optional={
        "source": st.sampled_from(["default", "a-b-9", "A", "", "-" * 33]),
        "upload_id": st.sampled_from([new_upload_id(time.time()), new_upload_id(1), "x", None]),
    },
)


@pytest.mark.property
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text() | almost_good | almost_good.map(json.dumps))
def test_any_body_is_issued_or_refused_with_a_hint(world: FrontDoors, body: object) -> None:
    status, reply = world.call("POST", "/uploads", body=body)
    if status == 201:
        receipt = receipts.verify(reply["receipt"], [KEY])
        assert receipt.upload.object_id == reply["id"]
        assert unquote(urlsplit(reply["url"]).path) == f"/{receipt.upload.object_key}"
    else:
        assert status in (400, 409)
        assert reply["error"]
        assert reply["message"]
        assert reply["hint"]


texts = (
    st.text(st.characters(), max_size=40)
    | st.text("\ud800\udfff\x00é\U0001f600a/%", max_size=12)
    | st.text("k", min_size=1025).map(str)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
bodies = st.one_of(
    st.none(),
    texts,
    st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()),
    st.dictionaries(st.sampled_from(["key", "size", "sha256", "upload_id", "source"]) | texts, values).map(json.dumps),
    st.dictionaries(st.sampled_from(["key", "source"]) | texts, texts).map(lambda one: json.dumps(one, ensure_ascii=False)),
    st.sampled_from(
        ["[" * 100_000, '{"a":' * 50_000, "NaN", '{"size": NaN}', '{"size": 1e999}', '{"size": ' + "9" * 5000 + "}"]
    ),
    st.just(json.dumps({f"field {n}": 0 for n in range(30_000)})),
    st.just(json.dumps({"k" * 1_000_000: 0, "key": "\ud800" * 3000})),
)
queries = st.none() | st.dictionaries(st.sampled_from(["key", "limit", "next"]) | texts, texts | st.just("k" * 2049))
headers = st.dictionaries(st.sampled_from(["x-upload-receipt", "content-type"]) | texts, texts)
paths = st.sampled_from(
    ["/uploads", "/files", "/ready", "/healthz", "/uploads/" + "ab" * 32, "/$default/uploads", "", "//"]
) | texts.map(lambda text: f"/uploads/{text}")


@pytest.mark.property
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", ""]),
    path=paths,
    body=bodies,
    is_base64=st.booleans(),
    query=queries,
    held=headers,
)
@example(method="POST", path="/uploads", body='{"\ud800": 1}', is_base64=False, query=None, held={})
@example(method="POST", path="/uploads", body='{"key": "\\ud800"}', is_base64=False, query=None, held={})
@example(method="GET", path="/files", body=None, is_base64=False, query={"key": "k" * 2049}, held={})
@example(method="GET", path="/files", body=None, is_base64=False, query={"key": "\udfff"}, held={})
@example(method="GET", path="/files", body=None, is_base64=False, query={"\ud800": "x", "key": "a"}, held={})
@example(
    method="GET",
    path="/uploads/" + "ab" * 32,
    body=None,
    is_base64=False,
    query=None,
    held={"x-upload-receipt": "\ud800.a.b"},
)
@example(
    method="GET", path="/uploads/" + "ab" * 32, body=None, is_base64=False, query=None, held={"x-upload-receipt": "..."}
)
def test_any_request_is_answered_below_500_in_utf_8(
    world: FrontDoors,
    method: str,
    path: str,
    body: str | None,
    *,
    is_base64: bool,
    query: dict[str, str] | None,
    held: dict[str, str],
) -> None:
    """Call the real entry point: Lambda's runtime must be able to encode the answer, and the answer is never a 5xx."""
    require_an_answer(world, method, path, held, body=body, isBase64Encoded=is_base64, queryStringParameters=query)


IN_PARTS = receipts.Receipt(Upload("default", new_upload_id(time.time()), DIGEST, "big.csv"), 9, PRIMARY, 0, 3)
"""Receipt of an upload in three parts, without which the routes of parts read no body."""
entries = st.fixed_dictionaries({"number": st.integers(0, 4) | values, "sha256": st.just(DIGEST) | values})


@pytest.mark.property
@pytest.mark.parametrize(("verb", "field"), [("parts", "parts"), ("complete", "parts_sha256")])
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=st.lists(entries | values, max_size=3) | st.just(DIGEST) | values)
def test_any_parts_are_answered_below_500_in_utf_8(world: FrontDoors, verb: str, field: str, value: object) -> None:
    held = {"x-upload-receipt": receipts.sign(IN_PARTS, KEY)}
    path = f"/uploads/{IN_PARTS.upload.object_id}/{verb}"
    require_an_answer(world, "POST", path, held, body=json.dumps({field: value}), isBase64Encoded=False)


def require_an_answer(world: FrontDoors, method: str, path: str, held: dict[str, str], **more: object) -> None:
    world.enter(PRIMARY)
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": held,
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
        **more,
    }
    response = front_door.handler(event, CONTEXT)  # type: ignore[arg-type]
    sent = json.dumps(response, ensure_ascii=False).encode("utf-8")
    assert len(sent) < 6 * 1024 * 1024
    assert response["statusCode"] < 500, response
    json.loads(response["body"])
