"""Test the context: it reports a supervisor that has ended at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import Event, Kind
from drill import context as module
from drill.context import Context
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.phases import load
from drill.plan import FaultSpec, Plan
from drill.targets import supervisor
from operations.errors import RunFailure


def _context(folder: Path, *faults: FaultSpec) -> Context:
    plan = Plan(drill_id="20260101T000000Z-abcdef", objects=1, faults=faults)
    return Context(plan, DrillFolder(folder), Journal(folder / "j"), lambda _: None)


@pytest.mark.parametrize(
    ("fault", "first_write", "puts"),
    [(None, None, ["us-east-1"]), ("throttle", None, ["us-east-1"]), ("grey", 12.0, ["us-east-1"]), ("blackout", 12.0, [])],
)
def test_load_after_an_early_fault_measures_its_first_write(
    fault: str | None, first_write: float | None, puts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault comes at 5 s; a first upload began before it, a second one at 7 s."""
    context, done = _context(tmp_path), list[str]()
    context.phase = "load"
    if fault:
        context.journal.append("load", "fault injecting", fault=f"{fault}@load", name=fault)
    if fault in {"grey", "blackout"}:
        context.journal.mark("load", "fault", 5.0)
    receipt: Any = SimpleNamespace(id="a", state="accepted")

    def send(_: object, on_event: Any, **__: object) -> None:  # noqa: ANN401 - a function
        for at, seconds in ((8.0, 4.0), (12.0, 5.0)):
            on_event(Event(kind=Kind.ACCEPTED, item=None, at=at, seconds=seconds, receipt=receipt))

    vars(context).update(
        watch=SimpleNamespace(expect=lambda *_: None),
        sender=SimpleNamespace(send=send, transport=lambda: None, ask_states=lambda: None, receipts=list, direct=list),
        put_directly=done.append,
    )
    monkeypatch.setattr(load, "_settle", lambda _: None)
    monkeypatch.setattr(load, "OrderWatch", lambda _: SimpleNamespace(start=lambda _: None, stop=lambda: None))
    monkeypatch.setattr(Context, "target", SimpleNamespace(primary="us-east-1"))
    load.run(context)
    assert (context.journal.moment("first_good_write_helper"), done) == (first_write, puts)


def test_supervisor_that_has_ended_stops_uploads_and_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = _context(tmp_path)
    stopped: list[bool] = []
    vars(context)["sender"] = SimpleNamespace(stop=lambda: stopped.append(True))
    looks = iter([object(), object(), None])
    monkeypatch.setattr(module, "_WATCH_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "attach", lambda _: next(looks))
    context.checkpoint()
    context._watch_supervisor()  # noqa: SLF001 - the thread's work
    assert stopped == [True]
    with pytest.raises(RunFailure, match=r"^The process that holds the local cloud was killed[.] No region answers"):
        context.checkpoint()


def test_thread_that_fails_ends_the_drill_once_and_is_named(tmp_path: Path) -> None:
    context = _context(tmp_path)
    context.begin("sampler", lambda: 1 // 0).join()
    with pytest.raises(RunFailure, match=r"thread 'sampler' has ended by ZeroDivisionError: .* end there"):
        context.checkpoint()
    context.checkpoint()
    context.begin("order", lambda: 1 // 0).join()
    assert len(context.failures()) == 1
