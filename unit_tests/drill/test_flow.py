"""Test the flow, the held uploads, the watch of the order, and the check of the samples."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import Answer, Request, Unreachable
from drill import order, sampling
from drill.journal import Journal
from drill.load import items
from drill.load.flow import PHASES, Flow
from drill.load.items import Wave
from drill.model import Sample
from drill.order import OrderWatch
from drill.phases import inject
from drill.plan import Plan
from drill.stations import HoldingTransport
from operations.errors import RunFailure

EAST, WEST = "us-east-1", "us-west-2"
PLAN = Plan(drill_id="20260101T000000Z-abcdef")


class Sender:
    """Records what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.arrived = threading.Semaphore(0)
        self.failure: RunFailure | None = None

    def send(self, items: list[Any], _on_event: Any, *, receipts: str) -> None:  # noqa: ANN401
        assert receipts == "receipts-flow.jsonl"
        if self.failure:
            raise self.failure
        self.sent += items
        self.arrived.release()


def _flow(sender: Sender, count: int = PHASES) -> Flow:
    given: Any = sender
    items: Any = list(range(count))
    return Flow(given, items, lambda _: None)


def test_nudge_uploads_the_next_file_and_a_pause_waits_for_it() -> None:
    sender = Sender()
    flow = _flow(sender)
    flow.start()
    for number in range(2):
        flow.nudge()
        assert sender.arrived.acquire(timeout=30)
        assert sender.sent == list(range(number + 1))
    with flow.paused():
        flow.nudge()
        assert sender.sent == [0, 1]
    assert sender.arrived.acquire(timeout=30)
    flow.finish()
    assert sender.sent == list(range(PHASES))


def test_nudges_during_an_upload_upload_a_file_each() -> None:
    """Short phases follow each other faster than files are uploaded."""
    sender = Sender()
    flow = _flow(sender)
    with flow.paused():
        flow.start()
        for _ in range(3):
            flow.nudge()
    assert all(sender.arrived.acquire(timeout=5) for _ in range(3)), sender.sent


def test_failed_upload_of_the_flow_is_raised_at_its_end() -> None:
    sender = Sender()
    sender.failure = RunFailure("no region accepts it")
    with pytest.raises(RunFailure, match="no region accepts it"):
        _flow(sender).finish()


def test_held_put_is_sent_when_it_is_released() -> None:
    sent: list[str] = []
    passed = threading.Event()

    def send(request: Request) -> Answer:
        sent.append(request.method)
        return Answer(200)

    inner: Any = SimpleNamespace(send=send)
    holding = HoldingTransport(inner, ["a.csv", "b.csv"], "https://west")
    holding.send(Request("POST", "https://api/a.csv", {}, b"", 1.0))

    def put() -> None:
        holding.send(Request("PUT", "https://s3/a.csv", {}, b"", 1.0))
        passed.set()

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    while not holding.held:
        threading.Event().wait(0.001)
    assert (sent, passed.is_set()) == (["POST"], False)
    holding.release(["a.csv"])
    assert passed.wait(30)
    assert sent == ["POST", "PUT"]


def test_held_upload_takes_no_grant_of_the_other_region() -> None:
    inner: Any = SimpleNamespace(send=lambda _: Answer(200))
    holding = HoldingTransport(inner, ["a.csv"], "https://west/api")
    ask = Request("POST", "https://west/api/uploads", {}, b"", 1.0)
    holding.release(["a.csv"])
    with pytest.raises(Unreachable, match="closed until the files are at their stations"):
        holding.send(ask)
    holding.open()
    assert holding.send(ask).status == 200


@pytest.mark.parametrize(("writer", "there", "is_recorded"), [(EAST, 2, True), (EAST, 3, False), (WEST, 0, False)])
def test_result_before_its_records_is_recorded(tmp_path: Path, writer: str, there: int, is_recorded: bool) -> None:  # noqa: FBT001
    context: Any = SimpleNamespace(journal=Journal(tmp_path / "j"), phase="load")
    row = {"accepted": {"N": "3"}, "records": {"N": "3"}, "region": {"S": writer}}
    ledger: Any = SimpleNamespace(region=EAST, results=lambda ids: dict.fromkeys(ids, row), records=lambda *_: range(there))
    assert OrderWatch(context)._is_seen(ledger, "a" * 64)  # noqa: SLF001 - one look of its thread
    assert bool(list(context.journal.of(order.EVENT))) is is_recorded


def _journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setattr("drill.journal.time.time", lambda: 100.0)
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("preflight", "drill began")
    journal.mark("inject", "fault", 110.0)
    journal.mark("decide", "decided", 130.0)
    journal.state("load", "states_before", {"processed": 4})
    journal.state("inject", "stations", {"queued": 5, "replicated": 3, "result_only": 2})
    journal.state("decide", "backlog_at_decision", {"objects": 5, "messages": 7})
    journal.state("decide", "waiting_at_decision", ["a"])
    return journal


def _samples(**values: float) -> list[Sample]:
    figures: dict[str, Any] = {"queue_depth": 6, "shadow_age": 19.0, "good_writes_per_second": 2.0} | values
    return [Sample(seconds=at, region=region, **figures) for at in (9.0, 11.0, 29.0, 31.0) for region in (EAST, WEST)]


def test_samples_that_agree_with_the_services_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = _journal(tmp_path, monkeypatch)
    assert sampling.contradictions(_samples(), journal, PLAN) == []
    assert sampling.contradictions([], journal, PLAN) == []


def test_samples_of_zeros_contradict_the_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = _journal(tmp_path, monkeypatch)
    assert sampling.can_contradict(journal)
    found = " ".join(sampling.contradictions(sampling.zeros(_samples()), journal, PLAN))
    for expected in (
        "when SQS held 5 messages",
        "when SQS held 7 messages",
        "nothing that waits",
        f"no good write in {EAST}",
    ):
        assert expected in found


def test_message_that_comes_and_goes_contradicts_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = _journal(tmp_path, monkeypatch)
    journal.state("inject", "stations", {"queued": 1, "replicated": 0, "result_only": 0})
    journal.state("decide", "backlog_at_decision", {"objects": 9, "messages": 1})
    assert not sampling.can_contradict(journal)
    assert sampling.contradictions(_samples(queue_depth=0), journal, PLAN) == []


@pytest.mark.parametrize("figure", ["queue_depth", "shadow_age", "good_writes_per_second"])
def test_single_figure_of_zeros_contradicts_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: str
) -> None:
    assert sampling.contradictions(_samples(**{figure: 0}), _journal(tmp_path, monkeypatch), PLAN)


@pytest.mark.parametrize(
    ("mode", "fault_at", "early"),
    [("live", None, None), ("local", 1.0, None), ("local", None, "grey"), ("local", None, "blackout")],
)
def test_files_at_the_fault_are_sent_where_they_cannot_be_held(
    mode: str, fault_at: float | None, early: str | None, tmp_path: Path
) -> None:
    """On AWS nothing holds them; a resumed drill has its fault already, or an earlier fault has taken the region."""
    load, sent = items.make(1, 40, "drill-abcdef"), list[str]()
    journal = Journal(tmp_path / "journal.jsonl")
    if fault_at is not None:
        journal.mark("inject", "fault", fault_at)
    if early:
        journal.append("load", "fault injecting", fault=early, name=early)
    notes: list[str] = []
    context: Any = SimpleNamespace(
        plan=SimpleNamespace(mode=mode, faults=(), faults_of=lambda _: ()),
        journal=journal,
        phase="inject",
        wave=lambda wave: [one for one in load if one.wave is wave],
        sender=SimpleNamespace(send=lambda some, *_, **__: sent.extend(one.item.key for one in some)),
        on_event=None,
        on_event_marking=lambda _: None,
        platform=SimpleNamespace(set_outage=lambda _: False, set_partition=lambda **_: None),
        flow=SimpleNamespace(start=lambda: None),
        checkpoint=lambda: None,
        note=lambda what, **_: notes.append(what),
    )
    inject.run(context)
    assert notes == ([f"no object is held at a station: {early} came before"] if early else [])
    context.finish_uploads()
    expected = [one.item.key for one in (*context.wave(Wave.AT_FAULT), *context.wave(Wave.DURING)[:1])]
    assert sorted(sent) == sorted(expected)
