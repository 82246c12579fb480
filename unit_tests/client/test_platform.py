"""Answers of a region that the client refuses, and receipts that have expired."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client import Answer, Endpoint, Item, Request, State, Unreachable
from client.discovery import Discovery
from client.routing import SUSPECT_SECONDS, Router
from unit_tests.client.world import PRIMARY, SECONDARY, FakeClock, World, make_client


class Lying(World):
    """A world whose primary changes its answers to POST."""

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        super().__init__()
        self.changes = changes

    def send(self, request: Request) -> Answer:
        answer = super().send(request)
        if request.method != "POST" or self.log[-1][0] != PRIMARY or answer.status != 201:
            return answer
        return Answer(answer.status, json.dumps({**json.loads(answer.body), **self.changes}).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "0" * 64},
        {"upload_id": "0"},
        {"url": "http://s3.us-east-1.amazonaws.com/x"},
        {"url": "ftp://127.0.0.1/x"},
        {"url": None},
        {"receipt": ""},
        {"receipt": 1},
        {"headers": None},
    ],
)
def test_grant_with_an_invalid_answer_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    world = Lying(**changes)
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", b"a")])
    assert outcome.receipt
    assert outcome.receipt.region == SECONDARY
    assert world.log == [(PRIMARY, "POST"), (SECONDARY, "POST"), (SECONDARY, "PUT")]


def test_expired_receipt_is_left_out_of_the_request(tmp_path: Path) -> None:
    class Rotated(World):
        def send(self, request: Request) -> Answer:
            if "x-upload-receipt" in request.headers:
                return Answer(400, b'{"error": "ReceiptRefused", "message": "it was changed", "hint": "leave it out"}')
            return super().send(request)

    with make_client(Rotated(), tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        (standing,) = client.verify()
    assert "is accepted in us-east-1" in standing.reason


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"state": "melted"}'),
        Answer(200, b"{}"),
        Answer(200, b"null"),
        Answer(404, b'{"message": "Not Found"}'),
        Answer(404, b"<html>"),
        Answer(500, b""),
    ],
)
def test_unknown_state_proves_nothing(answer: Answer, tmp_path: Path) -> None:
    class Vague(World):
        def send(self, request: Request) -> Answer:
            return answer if request.method == "GET" else super().send(request)

    with make_client(Vague(), tmp_path) as client:
        client.upload_all([Item("a", b"a")])
        (standing,) = client.verify()
    assert standing.receipt.state is State.ACCEPTED
    assert "has an unknown state" in standing.reason


def test_file_that_changes_while_sent_does_not_fail_the_region(tmp_path: Path) -> None:
    """The HTTP library reports a read error as a broken connection; the client distinguishes the two."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)

    class Network(World):
        def send(self, request: Request) -> Answer:
            if request.method != "PUT":
                return super().send(request)
            assert not isinstance(request.body, bytes)
            path.write_bytes(b"")
            try:
                while request.body.read(16384):
                    pass
            except Exception as error:
                raise Unreachable("the connection broke") from error
            raise AssertionError("a file that ended early was read to its end")

    world = Network()
    with make_client(world, tmp_path) as client:
        (outcome,) = client.upload_all([Item("a", path)])
    assert "changed while it was read or sent" in outcome.error
    assert [method for _, method in world.log] == ["POST"]


def test_failed_region_is_retried_by_one_upload_only() -> None:
    clock = FakeClock()
    endpoints = [Endpoint(region=one, url=f"https://{one}.example.org") for one in (PRIMARY, SECONDARY)]
    router = Router(endpoints, Discovery(None, clock, print, [PRIMARY, SECONDARY]), clock)
    router.failed(PRIMARY)
    assert router.order()[0].region == SECONDARY
    clock.pass_(SUSPECT_SECONDS + 1)
    assert [router.order()[0].region for _ in range(3)] == [PRIMARY, SECONDARY, SECONDARY]
    router.worked(PRIMARY)
    assert router.order()[0].region == PRIMARY
