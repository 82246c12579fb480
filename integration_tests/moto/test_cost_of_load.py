"""Compare the calls for an uploaded object with the cost table; this cannot prove how AWS bills them."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from typing import Any

import pytest
import requests
from moto import mock_aws

from handlers.issuer import handler as front_door
from handlers.issuer.upload_id import new_upload_id
from handlers.processor.batch_requests import BatchRequests
from infra.cost_of_load import AN_OBJECT
from integration_tests.moto.observer_world import _CONTEXT, PRIMARY, SECONDARY, ObservedWorld, http_event, observed
from integration_tests.moto.test_cost import Call, record_calls, summary

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
