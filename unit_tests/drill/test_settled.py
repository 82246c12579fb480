"""Test what the drill takes as done in a region: a RESULT whose records the region's own row notes as complete."""

from __future__ import annotations

import contextlib
import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from drill import proving
from drill.model import Finding, Proof
from drill.phases import decide, detect, measure, reconcile, verify
from drill.stops import Stop
from operations.ledger import Ledger

EAST, WEST = REGIONS = ("us-east-1", "us-west-2")
ONE, OTHER = "a" * 64, "b" * 64
Item = dict[str, dict[str, str]]


def _note(digest: str, version: str, region: str = WEST) -> Item:
    return {"sk": {"S": f"REPLICA#{region}"}, "settled_digest": {"S": digest}, "settled_version": {"S": version}}


RESULT: Item = {
    "sk": {"S": "RESULT"},
    "state": {"S": "COMPLETED"},
    "rejected": {"N": "1"},
    "effect_digest": {"S": "e1"},
    "processing_version": {"S": "v1"},
}
RECORD: Item = {"pk": {"S": f"REC#{ONE}#000000"}, "sk": {"S": "000000000000"}}
CASES = pytest.mark.parametrize(
    ("rows", "unsettled"),
    [
        pytest.param([], 1, id="nothing"),
        pytest.param([RESULT], 1, id="RESULT alone"),
        pytest.param([_note("e1", "v1")], 1, id="note without RESULT"),
        pytest.param([RESULT, _note("e0", "v1")], 1, id="another digest"),
        pytest.param([RESULT, _note("e1", "v0")], 1, id="another version"),
        pytest.param([RESULT, _note("e1", "v1", EAST)], 1, id="noted by the other region"),
        pytest.param([RESULT, RECORD, {"sk": {"S": f"REPLICA#{WEST}"}}], 1, id="records there and not noted"),
        pytest.param([RESULT, RECORD, _note("e1", "v1")], 0, id="all well"),
    ],
)


class Table:
    """The replicas of both regions: the case's rows of ONE in the secondary, a settled object everywhere else."""

    target = SimpleNamespace(regions=REGIONS, primary=EAST, secondary=WEST)

    def __init__(self, rows: list[Item]) -> None:
        well = {(one, region): [RESULT, _note("e1", "v1", region)] for one in (ONE, OTHER) for region in REGIONS}
        self.rows = {
            (region, *(row.get(name, {"S": f"OBJ#{one}"})["S"] for name in ("pk", "sk"))): row
            for (one, region), held in (well | {(ONE, WEST): rows}).items()
            for row in held
        }

    def table(self, region: str) -> str:
        return region

    def client(self, _service: str, region: str) -> Any:  # noqa: ANN401 - a boto3 client
        return SimpleNamespace(batch_get_item=lambda RequestItems: {"Responses": {region: self._get(RequestItems, region)}})  # noqa: N803

    def _get(self, wanted: Any, region: str) -> list[Item]:  # noqa: ANN401 - of boto3
        keys = [(region, key["pk"]["S"], key["sk"]["S"]) for key in wanted[region]["Keys"]]
        return [{"pk": {"S": key[1]}} | self.rows[key] for key in keys if key in self.rows]


def _context(rows: list[Item], monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - what a phase is given
    """Return a drill whose two objects are in both buckets, and whose queues are empty."""
    table, facts = Table(rows), dict[str, Any]()
    for module in (decide, measure):
        monkeypatch.setattr(module, "stored", lambda *_: {ONE, OTHER})
        monkeypatch.setattr(module, "backlog", lambda *_: {"ApproximateNumberOfMessages": 0})
    monkeypatch.setattr(detect, "look", lambda _: None)
    moments = itertools.count(0.0, 15.0)
    monkeypatch.setattr(measure, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    return SimpleNamespace(
        deployment=table,
        target=table.target,
        phase="measure",
        journal=SimpleNamespace(fact=facts.get, state=lambda _, name, value: facts.update({name: value})),
        sender=SimpleNamespace(receipts=lambda: [SimpleNamespace(id=ONE), SimpleNamespace(id=OTHER)]),
        watch=SimpleNamespace(look=lambda *_, **__: None),
        waiting=lambda _: [None] * 4,
        note=lambda *_, **__: None,
        say=lambda _: None,
    )


@CASES
def test_backlog_holds_what_the_region_has_not_settled(
    rows: list[Item], unsettled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = _context(rows, monkeypatch)
    decide._note_backlog(context, WEST)  # noqa: SLF001 - the phase asks an API first
    assert context.journal.fact("waiting_at_decision") == [ONE] * unsettled
    assert context.journal.fact("backlog_at_decision") == {"objects": unsettled, "messages": 0}


@CASES
def test_wait_for_idle_ends_when_all_is_settled(rows: list[Item], unsettled: int, monkeypatch: pytest.MonkeyPatch) -> None:
    context = _context(rows, monkeypatch)
    if not unsettled:
        measure.wait_until_idle(context)
        return
    with pytest.raises(
        Stop, match="1 objects that us-west-2 holds, which is active, are not settled there, and 0 messages wait there"
    ):
        measure.wait_until_idle(context)


@pytest.mark.parametrize(
    ("arrivals", "proofs", "broken"),
    [
        pytest.param([], [False], True, id="nothing arrives"),
        pytest.param([1], [False, True], False, id="an object arrives during the proof"),
        pytest.param([1], [False, False], True, id="an object arrives and another one is lost"),
        pytest.param([1, 1, 1, 1], [False] * 4, True, id="objects arrive during each proof"),
    ],
)
def test_verify_proves_again_if_an_object_arrived_meanwhile(
    arrivals: list[int],
    proofs: list[bool],
    broken: bool,  # noqa: FBT001 - a table's column
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, held, left, notes = _context([RESULT, _note("e1", "v1")], monkeypatch), {ONE}, iter(arrivals), list[str]()

    def prove(*_: object, **__: object) -> Any:  # noqa: ANN401 - a proof
        held.update({f"{len(held)}"} if next(left, 0) else ())
        lost = Finding(kind="lost", object_id=ONE, where="ledger us-west-2", what="no RESULT")
        equal = outcomes.pop(0)
        return Proof(
            at="", sources=(), objects=1, equal=equal, lost=0, duplicated=0, divergent=0, findings=() if equal else (lost,)
        )

    outcomes = list(proofs)
    for module in (measure, verify):
        monkeypatch.setattr(module, "stored", lambda *_: set(held))
    monkeypatch.setattr(Ledger, "settled", lambda _, ids: dict.fromkeys(ids))
    monkeypatch.setattr(proving, "prove", prove)
    monkeypatch.setattr(proving, "take_snapshot", lambda *_: None)
    context.flow = SimpleNamespace(paused=contextlib.nullcontext)
    context.accepted_uploads, context.note = list, lambda what, **_: notes.append(what)
    context.journal.moment = lambda _: 0.0
    assert ("the promise is broken" in verify.run(context)) == broken
    assert not outcomes
    assert ("objects arrived in us-west-2 during each proof for 60 s" in notes) == (len(arrivals) == len(proofs))


@CASES
def test_archives_are_complete_when_all_is_settled(
    rows: list[Item], unsettled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = _context(rows, monkeypatch)
    ledgers = [Ledger(context.deployment, region) for region in REGIONS]
    assert reconcile._unarchived(context, ledgers) == unsettled  # noqa: SLF001 - a part of a long wait


@pytest.mark.parametrize(
    ("in_flight", "is_there_after_return", "returned", "reported"),
    [
        pytest.param(3, True, [EAST, WEST], "3 messages in flight return now", id="they come back"),
        pytest.param(3, False, [EAST, WEST], "1 entries of the archives did not arrive in 180 s", id="they bring nothing"),
        pytest.param(0, False, [], "1 entries of the archives did not arrive in 180 s", id="none is in flight"),
    ],
)
def test_wait_for_quiet_returns_messages_that_wait_for_a_retry(
    in_flight: int,
    is_there_after_return: bool,  # noqa: FBT001 - a table's column
    returned: list[str],
    reported: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context, notes, done = _context([RESULT], monkeypatch), list[str](), list[str]()

    def return_messages(region: str) -> None:
        done.append(region)
        if is_there_after_return:
            context.deployment.rows[WEST, f"OBJ#{ONE}", f"REPLICA#{WEST}"] = _note("e1", "v1")

    waiting = {"ApproximateNumberOfMessages": 0, "ApproximateNumberOfMessagesNotVisible": in_flight}
    monkeypatch.setattr(reconcile, "backlog", lambda *_: waiting)
    moments = itertools.count(0.0, 15.0)
    monkeypatch.setattr(reconcile, "time", SimpleNamespace(monotonic=lambda: next(moments)), raising=False)
    context.platform = SimpleNamespace(return_messages=return_messages)
    context.watch = SimpleNamespace(look=lambda *_, **__: SimpleNamespace(pending=0))
    context.note = lambda what, **_: notes.append(what)
    context.plan = SimpleNamespace(mode="local")
    reconcile._wait_until_quiet(context)  # noqa: SLF001 - a part of a phase
    assert done == returned
    assert any(reported in one for one in notes), notes
