"""Test the upload client against both regions: each file is stored once, even after a lost answer or a killed client."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from client import Answer, Client, Configuration, HttpTransport, Item, Outcome, Request, State, Unreachable
from integration_tests.e2e.cleanup import Made
from integration_tests.e2e.corpus.reading import json_array
from integration_tests.e2e.corpus.real import dataset
from integration_tests.e2e.corpus.stored import rows
from integration_tests.e2e.partition import fault_injector
from integration_tests.e2e.records import require_expectation
from integration_tests.e2e.report import Run
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger
from operations.signed_http import Api
from operations.target import Target

FILE = "iris.json"
_FIRST_GOOD_WRITE_SECONDS = 15
_NOBODY_LISTENS = "https://127.0.0.1:9"
PART_BYTES = 5 << 20
LARGE_BYTES = 11 << 20


@pytest.fixture
def item(run: Run, request: pytest.FixtureRequest, tmp_path: Path) -> Item:
    """A file for one test."""
    path = tmp_path / FILE
    path.write_bytes(dataset(FILE))
    return Item(f"e2e/{run.target.run_id}/{request.node.name}/{FILE}", path)


class Lossy(HttpTransport):
    """The network, which loses the answer to the first PUT."""

    lost = False

    def send(self, request: Request) -> Answer:
        answer = super().send(request)
        if request.method == "PUT" and not self.lost:
            self.lost = True
            raise Unreachable(f"the answer (HTTP {answer.status}) was lost")
        return answer


class Killed(BaseException):
    """Raised when a client is killed."""


class Counting(HttpTransport):
    """The network, on which a client is killed after some PUTs."""

    def __init__(self, lives: int) -> None:
        super().__init__(connect_seconds=2.0, connections=4)
        self.lives, self.sent, self._one = lives, set[int](), threading.Lock()

    def send(self, request: Request) -> Answer:
        if request.method != "PUT":
            return super().send(request)
        with self._one:
            if len(self.sent) == self.lives:
                raise Killed
            answer = super().send(request)
            self.sent.add(int(parse_qs(urlsplit(request.url).query)["partNumber"][0]))
            return answer


@contextmanager
def opened(deployment: Deployment, folder: Path, transport: HttpTransport | None = None, **urls: str) -> Iterator[Client]:
    """Open a client of both regions, the primary first."""
    target = deployment.target
    named = {"primary": target.primary, "secondary": target.secondary}
    endpoints = [{"region": region, "url": urls.get(role) or deployment.api_url(region)} for role, region in named.items()]
    configuration = Configuration.of(
        {"endpoints": endpoints, "source": target.source, "receipts": folder / "receipts.jsonl", "part_bytes": PART_BYTES}
    )
    with Client(configuration, transport=transport, credentials=target.caller_credentials()) as client:
        yield client


def test_client_upload_is_processed_and_verified(deployment: Deployment, run: Run, item: Item, tmp_path: Path) -> None:
    with opened(deployment, tmp_path) as client:
        outcome = _uploaded(client, item, run)
        assert outcome.receipt
        assert outcome.receipt.region == deployment.target.primary
        (standing,) = client.verify(wait_seconds=_patience(deployment.target))
        assert (standing.reached, standing.receipt.state) == (True, State.PROCESSED), standing
        (again,) = client.upload_all([item])
        assert again.receipt == standing.receipt
    _once_in_both_regions(deployment, outcome)


def test_upload_while_primary_refuses_goes_to_secondary_in_time(
    deployment: Deployment, run: Run, item: Item, tmp_path: Path
) -> None:
    seconds = []
    with opened(deployment, tmp_path, primary=_NOBODY_LISTENS) as client:
        (outcome,) = client.upload_all([item], on_event=lambda event: seconds.append(event.seconds))
        _note(outcome, run)
    assert outcome.receipt
    assert outcome.receipt.region == deployment.target.secondary
    assert max(seconds) <= _FIRST_GOOD_WRITE_SECONDS
    _once_in_both_regions(deployment, outcome)


def test_upload_with_a_lost_answer_is_stored_once(deployment: Deployment, run: Run, item: Item, tmp_path: Path) -> None:
    with opened(deployment, tmp_path, Lossy()) as client:
        outcome = _uploaded(client, item, run)
    assert outcome.receipt
    assert outcome.receipt.region == deployment.target.secondary
    _once_in_both_regions(deployment, outcome)


def test_killed_client_sends_only_the_parts_that_are_left(
    deployment: Deployment, run: Run, item: Item, tmp_path: Path
) -> None:
    target = deployment.target
    api = Api(deployment, target.primary)
    file = {"key": item.key, "size": 1 << 60, "sha256": hashlib.sha256(b"").hexdigest(), "source": target.source}
    refused = api.call("POST", "/uploads", file).json()
    largest = int(refused["problems"][0]["hint"].rpartition(" ")[2])
    if largest <= PART_BYTES:
        pytest.skip(f"limits.maximum_object_bytes is {largest}: no file has two parts")
    body = _padded(dataset(FILE), min(LARGE_BYTES, largest))
    Path(str(item.content)).write_bytes(body)
    with opened(deployment, tmp_path, Counting(lives=1)) as client:
        with pytest.raises(Killed):
            client.upload_all([item])
        (planned,) = client.receipts
    run.issued.append(Made(planned.id, len(json_array(body)), planned.upload_id))
    file |= {"size": len(body), "sha256": planned.sha256, "upload_id": planned.upload_id, "part_size": PART_BYTES}
    issued = api.call("POST", "/uploads", file).json()
    parts = {n + 1: body[begin : begin + PART_BYTES] for n, begin in enumerate(range(0, len(body), PART_BYTES))}
    assert (issued["id"], issued["parts"]) == (planned.id, len(parts))

    whole = {"parts_sha256": hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts.values())).hexdigest()}
    early = api.call("POST", f"/uploads/{planned.id}/complete", whole, receipt=issued["receipt"])
    assert (early.status, early.json()["error"]) == (409, "PartsMissing"), early
    asked = {"parts": [{"number": n, "sha256": hashlib.sha256(part).hexdigest()} for n, part in parts.items()]}
    left = api.call("POST", f"/uploads/{planned.id}/parts", asked, receipt=issued["receipt"]).json()["parts"]
    assert len(left) == len(parts) - 1, left
    tampered = api.put(left[0]["url"], parts[left[0]["number"]][::-1], left[0]["headers"])
    assert tampered.status == 400, tampered

    with opened(deployment, tmp_path, network := Counting(lives=3)) as client:
        (outcome,) = client.upload_all([item])
        assert outcome.succeeded, outcome
        assert network.sent == {one["number"] for one in left}
        (standing,) = client.verify(wait_seconds=_patience(target))
        assert (standing.receipt.id, standing.receipt.state) == (planned.id, State.PROCESSED), standing
    again = [api.call("POST", f"/uploads/{planned.id}/complete", whole, receipt=issued["receipt"]) for _ in range(2)]
    assert [(one.status, one.json()["id"], one.json()["state"]) for one in again] == [(200, planned.id, "accepted")] * 2
    _once_in_both_regions(deployment, outcome)


@pytest.mark.local_only
def test_upload_while_primary_is_down_goes_to_secondary_in_time(
    deployment: Deployment, run: Run, item: Item, tmp_path: Path
) -> None:
    target = deployment.target
    seconds = []
    with opened(deployment, tmp_path) as client:
        fault_injector(target).region_down(target.primary)
        try:
            (outcome,) = client.upload_all([item], on_event=lambda event: seconds.append(event.seconds))
        finally:
            fault_injector(target).region_up(target.primary)
        _note(outcome, run)
    assert outcome.receipt
    assert outcome.receipt.region == target.secondary
    assert max(seconds) <= _FIRST_GOOD_WRITE_SECONDS
    _once_in_both_regions(deployment, outcome)


def _padded(body: bytes, size: int) -> bytes:
    """Return an array of objects with more white space between them, so that no two parts are equal."""
    space = hashlib.shake_128(b"").digest((size - len(body)) // body.count(b"},"))
    return body.replace(b"},", b"}," + space.translate(b" \n\t\r" * 64)).ljust(size)


def _uploaded(client: Client, item: Item, run: Run) -> Outcome:
    (outcome,) = client.upload_all([item])
    _note(outcome, run)
    return outcome


def _note(outcome: Outcome, run: Run) -> None:
    """Note the upload for removal, and check that it succeeded."""
    if outcome.receipt:
        run.issued.append(Made(outcome.receipt.id, len(json_array(dataset(FILE))), outcome.receipt.upload_id))
    assert outcome.succeeded, outcome


def _once_in_both_regions(deployment: Deployment, outcome: Outcome) -> None:
    """Check that both regions hold each record once, under one identity."""
    assert outcome.receipt
    require_expectation()
    records = rows(json_array(dataset(FILE)))
    for region in deployment.target.regions:
        ledger = Ledger(deployment, region)
        wait_until(
            deployment.target,
            lambda ledger=ledger: len(ledger.records(outcome.receipt.id, 50)) >= len(records),  # type: ignore[misc]
        )
        assert ledger.records(outcome.receipt.id, 50) == records
        prefix = f"{deployment.target.upload_prefix}{outcome.receipt.upload_id}/"
        expected = [(f"{prefix}{outcome.receipt.sha256}/{outcome.item.key}", outcome.receipt.size)]
        # S3 replicates the object by itself: it may arrive after the records of the table.
        wait_until(
            deployment.target,
            lambda region=region, prefix=prefix: bool(_objects(deployment, region, prefix)),  # type: ignore[misc]
        )
        assert _objects(deployment, region, prefix) == expected


def _objects(deployment: Deployment, region: str, prefix: str) -> list[tuple[str, int]]:
    """Return key and size of each object below a prefix."""
    page = deployment.client("s3", region).list_objects_v2(Bucket=deployment.ingest_bucket(region), Prefix=prefix)
    return [(one["Key"], one["Size"]) for one in page.get("Contents", [])]


def _patience(target: Target) -> float:
    return 150.0 if target.endpoint_url else 600.0
