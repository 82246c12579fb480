"""Progress on the console: a bar on a terminal, a line for each file elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from client import Event, Item, Kind
from client.progress import UploadProgress

ITEMS = [Item("a", b"aaaa"), Item("b", b"bb"), Item("c", Path("absent"))]
EVENTS = [
    Event(Kind.BEGUN, 0.0, ITEMS[0]),
    Event(Kind.SENT, 0.0, ITEMS[0], size=3),
    Event(Kind.SENT, 0.0, ITEMS[0], size=-3),
    Event(Kind.TRY_FAILED, 0.0, ITEMS[0], "us-east-1", reason="the API of us-east-1 failed"),
    Event(Kind.ACCEPTED, 0.0, ITEMS[0], "us-west-2", 5.25, 2, 4),
    Event(Kind.ALREADY_THERE, 0.0, ITEMS[1], "us-east-1", size=2),
    Event(Kind.FAILED, 0.0, ITEMS[2], reason="it cannot be read"),
    Event(Kind.WARNING, 0.0, reason="the record is not answered"),
]


def test_progress_without_a_terminal_prints_a_line_for_each_file() -> None:
    out = io.StringIO()
    with UploadProgress(Console(file=out), ITEMS) as progress:
        for event in EVENTS:
            progress.show(event)
    assert out.getvalue().splitlines() == [
        "a: the API of us-east-1 failed; trying again",
        "a: accepted in us-west-2 after 5.2 s, at try 2",
        "b: already in us-east-1",
        "c: FAILED: it cannot be read",
        "warning: the record is not answered",
    ]


def test_progress_on_a_terminal_prints_a_bar_and_the_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with UploadProgress(console, ITEMS) as progress:
        for event in EVENTS:
            progress.show(event)
        assert progress._progress  # noqa: SLF001 - the counts cannot be read from the screen
        files, sizes = progress._progress.tasks  # noqa: SLF001
        assert (files.completed, files.total) == (3, 3)
        assert (sizes.completed, sizes.total) == (6, 6)
    assert "3/3" in out.getvalue()
    assert "accepted in" not in out.getvalue()
    assert "c: FAILED" in out.getvalue()
