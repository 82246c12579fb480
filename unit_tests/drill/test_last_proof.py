"""Test the proof of a stopped drill: it names lost objects, waits for a limited time, and damages nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from drill import proving
from drill.journal import Journal
from drill.model import Finding, NegativeControls, Proof
from drill.phases import detect, measure
from drill.stops import Stop
from unit_tests.drill.proof.corruptions import no_replica, no_result
from unit_tests.drill.proof.five_sources import EAST, REGIONS, SOURCE, WEST, Five


class Clock:
    """A clock that advances only during sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        monkeypatch.setattr(proving, "time", clock)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def context_of(five: Five, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - what a phase is given
    """Return a drill over five sources in memory."""
    monkeypatch.setattr(proving, "Ledger", lambda _, region: SimpleNamespace(region=region))
    notes: list[str] = []
    return SimpleNamespace(
        deployment=five,
        target=SimpleNamespace(regions=REGIONS, primary=EAST, secondary=WEST),
        plan=SimpleNamespace(source=SOURCE, seed=1, mode="local"),
        items=[],
        sender=SimpleNamespace(rows=lambda _: five.receipts, direct_rows=lambda _: []),
        direct_files=[],
        watch=SimpleNamespace(look=lambda ledger, **_: SimpleNamespace(pending=_without_result(five, ledger.region))),
        folder=SimpleNamespace(path=folder),
        journal=Journal(folder / "journal.jsonl"),
        phase="measure",
        say=lambda _: None,
        note=lambda what, **_: notes.append(what),
        notes=notes,
    )


def _without_result(five: Five, region: str) -> int:
    return sum((f"OBJ#{one}", "RESULT") not in five.rows[region] for one in five.ids)


def test_unfinished_upload_is_named_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    five = Five(9)
    lost = five.ids[3]
    no_result(five, lost)
    context = context_of(five, tmp_path, monkeypatch)
    proof = proving.prove_what_is_left(context)
    assert (proof.lost, {one.object_id for one in proof.findings}) == (1, {lost})
    assert context.journal.fact("proof")["lost"] == 1
    assert 60 <= clock.now <= 61
    assert context.notes == ["2 results did not arrive in 60 s; the proof names the objects"]


def test_finished_uploads_need_no_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    five = Five(9)
    no_replica(five, five.ids[3])
    proof = proving.prove_what_is_left(context_of(five, tmp_path, monkeypatch))
    assert (proof.lost, clock.now) == (1, 0)


def test_unreadable_region_leaves_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    five = _Down(9)
    no_replica(five, five.ids[3])
    context = context_of(five, tmp_path, monkeypatch)
    proof = proving.prove_what_is_left(context)
    assert proof.sources == (f"objects {WEST}", f"ledger {WEST}", f"archive {WEST}", "receipts")
    assert set(proof.unread) == {f"objects {EAST}", f"ledger {EAST}", f"archive {EAST}", f"receipts, keys in {EAST}"}
    assert (proof.lost, proof.equal, clock.now) == (1, False, 0)
    assert all("could not be read" in note for note in context.notes)


class _Down(Five):
    """A platform whose primary does not answer."""

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as boto3
        if region == EAST:
            raise EndpointConnectionError(endpoint_url=region)
        return super().client(service, region)


@pytest.mark.parametrize(("waiting", "hint"), [(0, "The proof names the objects"), (4, "dead-letter queue")])
def test_wait_without_result_reports_what_is_missing_and_waits(
    monkeypatch: pytest.MonkeyPatch, waiting: int, hint: str
) -> None:
    done, missing = "a" * 64, "b" * 64
    monkeypatch.setattr(measure, "Ledger", lambda *_: SimpleNamespace(settled={done}.intersection))
    monkeypatch.setattr(measure, "backlog", lambda *_: {"ApproximateNumberOfMessages": waiting})
    monkeypatch.setattr(detect, "look", lambda _: None)
    moments = iter(range(0, 1000, 15))
    monkeypatch.setattr(measure, "time", SimpleNamespace(monotonic=lambda: float(next(moments))))
    context: Any = SimpleNamespace(
        target=SimpleNamespace(secondary=WEST),
        deployment=None,
        journal=SimpleNamespace(fact=lambda _: [done, missing]),
        waiting=lambda _: iter([None] * 4),
        say=lambda _: None,
    )
    with pytest.raises(Stop, match=f"1 objects .* are not settled there, and {waiting} messages wait there") as raised:
        measure.run(context)
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("found", "proofs"),
    [
        pytest.param(["", ""], 2, id="equal"),
        pytest.param(["", "ab", "b", ""], 4, id="damage on its way"),
        pytest.param(["", "c"], 2, id="another object"),
        pytest.param(["", "ac"], 2, id="damage and another object"),
        pytest.param(["a", "a"], 2, id="lost before the damage"),
        pytest.param(["", "a", "a", "a"], 4, id="damage that is never repaired"),
    ],
)
def test_findings_about_repaired_objects_alone_are_proved_again(
    found: list[str], proofs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(Five(1), tmp_path, monkeypatch)
    context.waiting = lambda seconds: range(2 if seconds else 0)
    left, made = iter(found), list[Proof]()

    def prove(_: object) -> Proof:
        findings = tuple(Finding(kind="divergent", object_id=one, where="", what="") for one in next(left))
        made.append(
            Proof(at="", sources=(), objects=9, equal=not findings, lost=0, duplicated=0, divergent=0, findings=findings)
        )
        return made[-1]

    monkeypatch.setattr(proving, "prove", prove)
    monkeypatch.setattr(proving, "undo_damage", lambda _: None)
    monkeypatch.setattr(proving, "_provide_objects", lambda _: None)
    monkeypatch.setattr(proving, "_controls", lambda _: (NegativeControls(injected=2, found=2), {"a", "b"}))
    proof = proving.prove_with_controls(context)
    assert (len(made), proof.equal) == (proofs, not found[-1])
    assert context.journal.fact("proof") == proof.model_dump(mode="json")
