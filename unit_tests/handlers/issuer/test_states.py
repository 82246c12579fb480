"""Test states and durability, with scripted answers of S3: the state is the highest one that is proven."""

from dataclasses import replace
from itertools import product
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from handlers.issuer.ledger import ObjectRows
from handlers.issuer.states import State, StateReader
from handlers.shared import schema

BUCKET, KEY = "bucket", "incoming/uploads/default/u/" + "ab" * 32 + "/a.csv"
UPLOAD_ROW = {"object_key": KEY, "region": "us-east-1", "file_key": "a.csv", "size": 3}


class ScriptedS3:
    """Scripted answers of S3."""

    def __init__(self) -> None:
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.answers = Stubber(s3)
        self.reader = StateReader(s3=s3, bucket=BUCKET, region="us-east-1", regions=("us-east-1", "us-west-2"))

    def will_find(self, head: int | str | None) -> None:
        """Answer the next HEAD with an HTTP error status, or with the object's replication status."""
        asked = {"Bucket": BUCKET, "Key": KEY}
        if isinstance(head, int):
            self.answers.add_client_error("head_object", str(head), http_status_code=head, expected_params=asked)
        else:
            self.answers.add_response("head_object", {"ReplicationStatus": head} if head else {}, asked)

    def will_list(self, *keys: str) -> None:
        """Answer the next listing with these keys."""
        asked = {"Bucket": BUCKET, "Prefix": KEY, "MaxKeys": 1}
        self.answers.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in keys]}, asked)


DIGEST, VERSION = "d" * 64, "v1"
RESULT_ROW = {"accepted": 2, "records": 3, "rejected": 1, "effect_digest": DIGEST, "processing_version": VERSION}


def replica(region: str, *, digest: str = DIGEST, version: str = VERSION) -> dict[str, Any]:
    """Return the row in which a region notes that its replica holds every record."""
    return {"sk": f"REPLICA#{region}", "settled_digest": digest, "settled_version": version}


BOTH_REPLICAS = (replica("us-east-1"), replica("us-west-2"))


def rows(
    *,
    result: str | None = None,
    attempt: bool = False,
    replicas: tuple[dict[str, Any], ...] = BOTH_REPLICAS,
    region: str = "us-east-1",
) -> ObjectRows:
    return ObjectRows(
        object_id="ab" * 32,
        result={"state": result, "object_key": KEY, **RESULT_ROW} if result else None,
        uploads=[UPLOAD_ROW],
        attempts=[{"sk": f"ATTEMPT#{region}"}] if attempt else [],
        replicas=replicas,
    )


@pytest.mark.parametrize(
    ("head", "attempt", "state", "durable"),
    [
        (404, False, State.UNKNOWN, False),
        (404, True, State.ACCEPTED, False),
        (None, False, State.ACCEPTED, False),
        ("PENDING", False, State.ACCEPTED, False),
        ("FAILED", True, State.ACCEPTED, False),
        ("COMPLETED", False, State.ACCEPTED, True),
        ("REPLICA", True, State.ACCEPTED, True),
    ],
)
def test_state_without_a_result_is_that_of_the_bucket(
    *, head: int | str | None, attempt: bool, state: State, durable: bool
) -> None:
    scripted = ScriptedS3()
    scripted.will_find(head)
    with scripted.answers:
        assert scripted.reader.judge(rows(attempt=attempt)) == (state, durable)


@pytest.mark.parametrize("uploads", [[UPLOAD_ROW], []])  # without the row, nothing tells whether the object is an upload
def test_object_begun_by_the_other_region_is_unknown_here(uploads: list[dict[str, Any]]) -> None:
    scripted = ScriptedS3()
    if uploads:
        scripted.will_find(404)
    begun = replace(rows(attempt=True, region="us-west-2"), uploads=uploads)
    with scripted.answers:
        assert scripted.reader.judge(begun) == (State.UNKNOWN, False)


@pytest.mark.parametrize(
    ("result", "head", "state"),
    [
        ("COMPLETED", 404, State.UNKNOWN),
        ("COMPLETED", "PENDING", State.ACCEPTED),
        ("COMPLETED", "REPLICA", State.ACCEPTED),
        ("QUARANTINED", None, State.QUARANTINED),
    ],
)
@pytest.mark.parametrize("replicas", [(), (replica("us-west-2"),), (replica("us-east-1", version="v0"),)])
def test_result_without_its_records_proves_only_the_object(
    result: str, head: int | str | None, state: State, replicas: tuple[dict[str, Any], ...]
) -> None:
    scripted = ScriptedS3()
    if result == "COMPLETED":
        scripted.will_find(head)
    with scripted.answers:
        assert scripted.reader.judge(rows(result=result, replicas=replicas)) == (state, False)


@pytest.mark.parametrize(("result", "state"), [("COMPLETED", State.PROCESSED), ("QUARANTINED", State.QUARANTINED)])
@pytest.mark.parametrize(
    ("head", "durable"), [(404, False), (None, False), ("PENDING", False), ("COMPLETED", True), ("REPLICA", True)]
)
def test_result_alone_makes_nothing_durable(*, result: str, state: State, head: int | str | None, durable: bool) -> None:
    scripted = ScriptedS3()
    scripted.will_find(head)
    with scripted.answers:
        assert scripted.reader.judge(rows(result=result)) == (state, durable)


@pytest.mark.parametrize(
    "replicas",
    [
        (replica("us-east-1"),),
        (replica("us-east-1"), replica("us-west-2", digest="e" * 64)),
        (replica("us-east-1"), replica("us-west-2", version="v2")),
        (replica("us-east-1"), {"sk": "REPLICA#us-west-2", "put_backs": 8}),
        (replica("us-east-1"), replica("eu-west-1")),
    ],
)
def test_processed_is_durable_only_once_both_replicas_hold_it(replicas: tuple[dict[str, Any], ...]) -> None:
    scripted = ScriptedS3()
    with scripted.answers:  # and the bucket is not asked
        assert scripted.reader.judge(rows(result="COMPLETED", replicas=replicas)) == (State.PROCESSED, False)


def test_unreachable_bucket_keeps_the_state_and_proves_no_copy() -> None:
    scripted = ScriptedS3()
    scripted.will_find(500)
    with scripted.answers:
        assert scripted.reader.judge(rows(result="COMPLETED")) == (State.PROCESSED, False)
    scripted.will_find(500)
    with scripted.answers, pytest.raises(ClientError):
        scripted.reader.judge(rows())


def test_further_proof_never_lowers_the_state() -> None:
    heads: list[int | str | None] = [404, None, "COMPLETED"]
    results = [None, schema.COMPLETED]

    def state(head: int | str | None, *, attempt: bool, result: str | None) -> State:
        scripted = ScriptedS3()
        scripted.will_find(head)
        with scripted.answers:
            return scripted.reader.judge(rows(result=result, attempt=attempt))[0]

    cases = list(product(range(3), [False, True], range(2)))
    for less, more in product(cases, cases):
        if all(a <= b for a, b in zip(less, more, strict=True)):
            low = state(heads[less[0]], attempt=less[1], result=results[less[2]])
            assert low <= state(heads[more[0]], attempt=more[1], result=results[more[2]])


def test_403_counts_as_absent_only_if_the_listing_says_so() -> None:
    scripted = ScriptedS3()
    scripted.will_find(403)
    scripted.will_list(KEY + "x")
    with scripted.answers:
        assert scripted.reader.judge(rows())[0] is State.UNKNOWN
    scripted.will_find(403)
    scripted.will_list(KEY)
    with scripted.answers, pytest.raises(ClientError):
        scripted.reader.judge(rows())


def test_direct_put_state_is_that_of_the_table() -> None:
    scripted = ScriptedS3()
    direct = ObjectRows("ab" * 32, None, [], [{"sk": "ATTEMPT#us-east-1", "object_key": "incoming/a.csv"}])
    with scripted.answers:
        assert scripted.reader.judge(direct) == (State.ACCEPTED, False)


def test_receipt_key_is_read_from_the_bucket_without_a_row() -> None:
    scripted = ScriptedS3()
    scripted.will_find("REPLICA")
    with scripted.answers:
        answer = scripted.reader.describe(ObjectRows("ab" * 32, None, [], []), KEY)
    assert (answer["state"], answer["durable"]) == ("accepted", True)


@pytest.mark.parametrize("replicas", [(), (replica("us-west-2"),), (replica("us-east-1", version="v0"),), BOTH_REPLICAS])
@pytest.mark.parametrize("result", [None, "COMPLETED", "QUARANTINED"])
@pytest.mark.parametrize("head", [404, "PENDING"])
def test_list_of_a_file_shows_the_state_of_each_object(
    head: int | str, result: str | None, replicas: tuple[dict[str, Any], ...]
) -> None:
    gone = {"sk": "ATTEMPT#us-east-1", "gone": "no version is left"}
    held = replace(rows(result=result, replicas=replicas), attempts=[gone])
    scripted = ScriptedS3()
    scripted.will_find(head)
    with scripted.answers:
        answer = scripted.reader.describe(held)
    scripted = ScriptedS3()
    scripted.will_find(head)
    with scripted.answers:
        (listed,) = scripted.reader.describe_all([replace(held, attempts=[], replicas=())], lambda _: held)
    assert listed | {"durable": answer["durable"]} == answer


def test_object_whose_rows_have_expired_leaves_the_list() -> None:
    expired = ObjectRows("ab" * 32, None, [], [])
    with (scripted := ScriptedS3()).answers:
        assert scripted.reader.describe_all([rows(), rows()], lambda _: expired) == []


def test_counts_and_reason_come_from_the_result() -> None:
    result: dict[str, Any] = {"state": "QUARANTINED", "reason": "not gzip", "records": 0, "accepted": 0, "rejected": 0}
    answer = ScriptedS3().reader.describe(ObjectRows("ab" * 32, result, [UPLOAD_ROW], []))
    assert (answer["state"], answer["reason"], answer["accepted"]) == ("quarantined", "not gzip", 0)
    assert (answer["key"], answer["size"], answer["uploads_issued_in"]) == ("a.csv", 3, ["us-east-1"])
