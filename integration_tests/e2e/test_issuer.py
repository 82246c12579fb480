"""Test a client's requests: request an upload, put the file, read its state, find it by its key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from integration_tests.e2e.cleanup import Made
from integration_tests.e2e.corpus.reading import json_array
from integration_tests.e2e.corpus.real import dataset
from integration_tests.e2e.corpus.stored import rows
from integration_tests.e2e.records import require_expectation
from integration_tests.e2e.report import Run
from integration_tests.e2e.waiting import wait_until
from operations.deployment import Deployment
from operations.ledger import Ledger
from operations.signed_http import Answer, Api

FILE = "ohlc.json"


@pytest.fixture(params=["primary", "secondary"])
def region(request: pytest.FixtureRequest, deployment: Deployment) -> str:
    """Each of the two regions."""
    return str(getattr(deployment.target, request.param))


@pytest.fixture
def api(deployment: Deployment, region: str) -> Api:
    """A region's HTTP API."""
    return Api(deployment, region)


def test_api_is_alive_and_ready(api: Api, region: str) -> None:
    alive, ready = api.call("GET", "/healthz", signed=False), api.call("GET", "/ready", signed=False)
    assert (alive.status, ready.status) == (200, 200), (alive, ready)
    assert ready.json()["region"] == region


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/uploads"), ("POST", f"/uploads/{'0' * 64}/parts"), ("POST", f"/uploads/{'0' * 64}/complete")),
        *(("GET", f"/uploads/{'0' * 64}"), ("GET", "/files?key=any")),
    ],
)
def test_unsigned_request_is_denied(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path, {} if method == "POST" else None, signed=False)
    assert answer.status == 403, answer


def test_issued_upload_is_processed_and_found(api: Api, region: str, deployment: Deployment, run: Run) -> None:
    body = dataset(FILE)
    file_key = f"e2e/{run.target.run_id}/{region}/{FILE}"
    digest = hashlib.sha256(body).hexdigest()
    request = {"key": file_key, "size": len(body), "sha256": digest, "source": run.target.source}

    issued = api.call("POST", "/uploads", request)
    assert issued.status == 201, issued
    upload = issued.json()
    run.issued.append(Made(upload["id"], len(json_array(body)), upload["upload_id"]))
    identity = "\0".join(["upload", run.target.source, upload["upload_id"], digest])
    assert upload["id"] == hashlib.sha256(identity.encode()).hexdigest()

    again = api.call("POST", "/uploads", {**request, "upload_id": upload["upload_id"]})
    assert (again.status, again.json()["id"]) == (201, upload["id"])

    put = api.put(upload["url"], body, upload["headers"])
    assert put.status == 200, put
    _wait_for(deployment, api, f"/uploads/{upload['id']}", lambda found: found["state"] == "processed")
    # The list is read from an index, which shows the state after the table does.
    listed = f"/files?key={quote(file_key, safe='')}"
    _wait_for(deployment, api, listed, lambda found: upload["id"] in [one["id"] for one in found["files"]])

    require_expectation()
    expected = rows(json_array(body))
    for replica in deployment.target.regions:
        ledger = Ledger(deployment, replica)
        wait_until(deployment.target, lambda ledger=ledger: len(ledger.records(upload["id"], 50)) >= len(expected))  # type: ignore[misc]
        assert ledger.records(upload["id"], 50) == expected


def test_presigned_url_accepts_only_the_requested_bytes(api: Api, region: str, run: Run) -> None:
    body = dataset(FILE)
    request = {
        "key": f"e2e/{run.target.run_id}/{region}/other-bytes",
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "source": run.target.source,
    }
    upload = api.call("POST", "/uploads", request).json()
    run.issued.append(Made(upload["id"], upload_id=upload["upload_id"]))
    tampered = api.put(upload["url"], body[::-1], upload["headers"])
    assert 400 <= tampered.status < 500, tampered


def _wait_for(deployment: Deployment, api: Api, path: str, holds: Callable[[Any], bool]) -> None:
    """Wait until the API answers 200 with a body for which `holds` is true; fail with the last answer."""
    last: list[Answer] = []

    def answered() -> bool:
        last[:] = [api.call("GET", path)]
        return last[0].status == 200 and holds(last[0].json())

    assert wait_until(deployment.target, answered), last
