"""Test the context: it reports a supervisor that has ended at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from drill import context as module
from drill.context import Context
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.plan import Plan
from drill.targets import supervisor
from operations.errors import RunFailure


def test_supervisor_that_has_ended_stops_uploads_and_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = Context(
        Plan(drill_id="20260101T000000Z-abcdef"), DrillFolder(tmp_path), Journal(tmp_path / "j"), lambda _: None
    )
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
    context = Context(
        Plan(drill_id="20260101T000000Z-abcdef"), DrillFolder(tmp_path), Journal(tmp_path / "j"), lambda _: None
    )
    context.begin("sampler", lambda: 1 // 0).join()
    with pytest.raises(RunFailure, match=r"thread 'sampler' has ended by ZeroDivisionError: .* end there"):
        context.checkpoint()
    context.checkpoint()
    context.begin("order", lambda: 1 // 0).join()
    assert len(context.failures()) == 1
