"""Test the ledger's writes: deterministic rows, requests within DynamoDB's limits, and no lost item."""

import json
import threading
from collections import Counter
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.processor.deadline import Deadline
from handlers.processor.store import Ledger, Result
from handlers.shared import schema
from handlers.shared.attribute_values import attribute_map, canonical_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ID = "ab" * 32
REQUEST_BYTES = 16 * 1024 * 1024


class Table:
    """Accepts batches as DynamoDB does; `takes` is the number of items that it accepts of each batch."""

    def __init__(self, takes: int = 25) -> None:
        self.rows: dict[tuple[str, str], Any] = {}
        self.writes: Counter[tuple[str, str]] = Counter()
        self.requests: list[int] = []
        self.error = ""
        """Code with which every request after the second is refused."""
        self.throttles: list[str] = []
        """Codes with which the next requests are refused as a whole."""
        self.refuses_next = False
        self._takes = takes
        self._lock = threading.Lock()

    def answer(self, request: Any, **_: object) -> Any:  # noqa: ANN401 - botocore names no type for its events
        """Replace the network of botocore's client."""
        assert "AWS4-HMAC-SHA256 Credential=testing/" in str(request.headers["Authorization"])
        assert len(request.body) <= REQUEST_BYTES
        answer = self._write(json.loads(request.body)["RequestItems"]["t"])
        status = 400 if "__type" in answer else 200
        content = SimpleNamespace(stream=lambda: iter([json.dumps(answer).encode()]))
        return AWSResponse(request.url, status, cast("Any", {}), cast("Any", content))

    def _write(self, puts: list[Any]) -> dict[str, Any]:
        with self._lock:
            assert 0 < len(puts) <= 25
            self.requests.append(len(puts))
            if self.throttles:
                return {"__type": f"com.amazonaws.dynamodb.v20120810#{self.throttles.pop()}", "message": "too fast"}
            if self.refuses_next:
                self.refuses_next = False
                return {"__type": "InternalServerError", "message": "once"}
            if self.error and len(self.requests) > 2:
                return {"__type": f"com.amazonaws.dynamodb.v20120810#{self.error}", "message": "refused"}
            for put in puts[: self._takes]:
                item = put["PutRequest"]["Item"]
                key = (item["pk"]["S"], item["sk"]["S"])
                self.rows[key] = item
                self.writes[key] += 1
            left = puts[self._takes :]
            return {"UnprocessedItems": {"t": left} if left else {}}


@cache
def client() -> "DynamoDBClient":
    """Return botocore's client without retries; making one takes longer than a test."""
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


def ledger(table: Table) -> Ledger:
    client().meta.events.unregister("before-send.dynamodb.BatchWriteItem", unique_id="table")
    client().meta.events.register("before-send.dynamodb.BatchWriteItem", table.answer, unique_id="table")
    return Ledger(dynamodb=client(), table_name="t", region="us-east-1", attempt_retention_days=30)


def prepared(records: list[dict[str, Any]]) -> list[tuple[int, bytes]]:
    return [(ordinal, canonical_text(attribute_map(record)[0]).encode()) for ordinal, record in enumerate(records)]


def plenty() -> Deadline:
    return Deadline(lambda: 300.0)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.processor.record_writer.time.sleep", lambda _: None)


@pytest.mark.property
@given(count=st.integers(0, 130), takes=st.integers(1, 25))
@example(count=26, takes=1)
def test_records_left_unprocessed_are_all_written_in_the_end(count: int, takes: int) -> None:
    table = Table(takes)
    ledger(table).write_records(ID, prepared([{"n": number} for number in range(count)]), "p1", plenty())
    assert {row["record"]["M"]["n"]["N"] for row in table.rows.values()} == {str(number) for number in range(count)}
    assert set(table.writes.values()) <= {1}
    assert all(key == schema.record_keys(ID, int(row["ordinal"]["N"])) for key, row in table.rows.items())
    assert all(row["object_id"] == {"S": ID} for row in table.rows.values())


@pytest.mark.property
@given(
    sizes=st.lists(st.sampled_from([1, 1000, 100_000, 390_000]), max_size=35),
    letter=st.sampled_from(["x", "\0", "é", "€", "😀", '"']),
)
@example(sizes=[390_000] * 25, letter="é")  # JSON takes three times its bytes
def test_batch_request_stays_within_the_limits_of_dynamodb(sizes: list[int], letter: str) -> None:
    table = Table()
    each = len(letter.encode())
    ledger(table).write_records(ID, prepared([{"t": letter * (size // each)} for size in sizes]), "p1", plenty())
    assert len(table.rows) == len(sizes)


@pytest.mark.parametrize("is_refused_first", [False, True])
def test_binary_value_is_sent_as_base64_once(is_refused_first: bool) -> None:  # noqa: FBT001 - a parameter
    table = Table()
    table.refuses_next = is_refused_first
    record = {"bytes": b"\0\1", "B": "text", "map": {"B": "eA=="}, "list": [b"", {"B": b"x"}]}
    ledger(table).write_records(ID, prepared([record]), "p1", plenty())
    (row,) = table.rows.values()
    assert row["record"]["M"] == {
        "bytes": {"B": "AAE="},
        "B": {"S": "text"},
        "map": {"M": {"B": {"S": "eA=="}}},
        "list": {"L": [{"B": ""}, {"M": {"B": {"B": "eA=="}}}]},
    }


def test_error_of_dynamodb_is_raised_and_stops_the_other_writers() -> None:
    table = Table()
    table.error = "ValidationException"
    with pytest.raises(ClientError, match="ValidationException"):
        ledger(table).write_records(ID, prepared([{"n": number} for number in range(5000)]), "p1", plenty())
    assert len(table.requests) < 30, "200 batches were to be written"


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_batches_refused_as_a_whole_are_sent_again_within_the_deadline(code: str) -> None:
    table = Table()
    table.throttles = [code] * 40
    ledger(table).write_records(ID, prepared([{"n": number} for number in range(500)]), "p1", plenty())
    assert len(table.rows) == 500
    assert len(table.requests) == 60, "no request is repeated by botocore too, which would wait beyond the deadline"


def test_batches_refused_as_a_whole_end_with_the_deadline() -> None:
    table, looks = Table(), iter([300.0] * 10)
    table.throttles = ["ThrottlingException"] * 1000
    reached = ledger(table).write_records(ID, prepared([{"n": 1}]), "p1", Deadline(lambda: next(looks, 1.0)))
    assert (reached, table.rows) == (0, {})


def test_without_time_nothing_more_is_written() -> None:
    table, looks = Table(takes=1), iter([300.0] * 4)
    deadline = Deadline(lambda: next(looks, 1.0))
    reached = ledger(table).write_records(ID, prepared([{"n": number} for number in range(20)]), "p1", deadline)
    assert (len(table.requests), reached) == (3, 0), "the batch is not written completely"


@pytest.mark.property
@given(
    ordinals=st.lists(st.integers(0, 400), unique=True, max_size=130).map(sorted),
    takes=st.integers(1, 25),
    looks=st.integers(1, 60),
)
def test_every_record_below_the_reached_ordinal_is_written(ordinals: list[int], takes: int, looks: int) -> None:
    table, left = Table(takes), iter([300.0] * looks)
    records = [(ordinal, canonical_text(attribute_map({"n": ordinal})[0]).encode()) for ordinal in ordinals]
    reached = ledger(table).write_records(ID, records, "p1", Deadline(lambda: next(left, 1.0)))
    found = {int(row["ordinal"]["N"]) for row in table.rows.values()}
    if reached is None:
        assert found == set(ordinals)
    else:
        assert reached in ordinals
        assert {ordinal for ordinal in ordinals if ordinal < reached} <= found
        ledger(table).write_records(ID, [one for one in records if one[0] >= reached], "p1", plenty())
        assert {int(row["ordinal"]["N"]) for row in table.rows.values()} == set(ordinals)


RESULT = Result(
    state=schema.COMPLETED,
    object_id=ID,
    source="s",
    file_key="x.csv",
    object_key="incoming/x.csv",
    received_at="2026-01-31T12:34:56.789Z",
    accepted=2,
    rejected=1,
    effect_digest="0" * 64,
    region="us-east-1",
    epoch=0,
    version_id="v1",
    processing_version="p1",
)


def test_result_row_has_its_counts_and_its_index_keys() -> None:
    item = RESULT.item("2026-01-31T13:00:00.000Z")
    assert (item["records"], item["accepted"], item["rejected"]) == ({"N": "3"}, {"N": "2"}, {"N": "1"})
    assert (item["pk"], item["sk"]) == ({"S": f"OBJ#{ID}"}, {"S": "RESULT"})
    assert item["file_key"] == {"S": "x.csv"}
    assert item["state_hour"]["S"].startswith("COMPLETED#2026-01-31T12#"), "the hour of receipt, the same in both regions"
    assert item["file_order"] == item["state_order"] == {"S": f"2026-01-31T12:34:56.789Z#{ID}"}
    assert not {"size", "format", "compression", "reason"} & item.keys(), "what is not known is left out"


def test_two_regions_results_differ_in_their_provenance_only() -> None:
    values = {name: value for name, value in vars(RESULT).items() if name not in ("region", "epoch")}
    other = Result(**values, region="us-west-2", epoch=1)
    one, two = RESULT.item("2026-01-31T13:00:00.000Z"), other.item("2026-01-31T14:00:00.000Z")
    assert {name for name in one if one[name] != two[name]} == {"region", "epoch", "processed_at"}
