"""Test the journal: it survives a cut at any byte, and reveals a change of any byte."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drill.journal import Journal, read
from operations.errors import RunFailure

EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("load", "note", {"what": "a"}),
    ("load", "moment", {"name": "fault", "epoch": 1.5}),
    ("report", "note", {"what": "é"}),
]


def _written(path: Path) -> bytes:
    journal = Journal(path)
    for phase, event, data in EVENTS:
        journal.append(phase, event, **data)
    return path.read_bytes()


def test_journal_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    _written(file)
    journal = Journal(file)
    assert [(one.phase, one.event, one.data) for one in journal.entries] == EVENTS
    assert [one.seq for one in journal.entries] == [0, 1, 2]


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_journal_that_was_cut_anywhere_is_continued(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "journal.jsonl"
    file.unlink(missing_ok=True)
    content = _written(file)
    cut = data.draw(st.integers(0, len(content)))
    file.write_bytes(content[:cut])
    journal = Journal(file)
    whole = content[:cut].count(b"\n")
    assert [one.data for one in journal.entries] == [one[2] for one in EVENTS[:whole]]
    journal.append("load", "note", what="after the kill")
    assert read(file.read_bytes())[-1].data == {"what": "after the kill"}


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_changed_or_removed_line_breaks_the_chain(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "journal.jsonl"
    file.unlink(missing_ok=True)
    lines = _written(file).splitlines(keepends=True)
    number = data.draw(st.integers(0, len(lines) - 2))
    if data.draw(st.booleans()):
        del lines[number]
    else:
        lines[number] = lines[number].replace(b'"load"', b'"LOAD"')
    with pytest.raises(RunFailure, match=r"chain is broken|malformed"):
        read(b"".join(lines))


def test_moment_is_the_first_and_fact_the_last_value(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.mark("load", "fault", 10.0) == 10.0
    assert journal.mark("load", "fault", 20.0) == 10.0
    assert journal.moment("fault") == 10.0
    assert journal.moment("other") is None
    journal.state("load", "count", 1)
    journal.state("load", "count", None)
    assert journal.fact("count") is None
    journal.state("load", "count", 2)
    assert (journal.fact("count"), journal.fact("other")) == (2, None)


def test_journal_file_of_another_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_text('{"no": "journal"}\n', "utf-8")
    with pytest.raises(RunFailure, match="Line 1 of the journal is malformed"):
        Journal(file)


@pytest.mark.parametrize("step", ["os.fsync", "hashlib.sha256"])
def test_line_interrupted_while_it_is_written_leaves_the_chain_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("load", "first")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"drill.journal.{step}", interrupt)
        with pytest.raises(KeyboardInterrupt):
            journal.append("load", "interrupted")
    journal.append("load", "next")
    written = read(journal.path.read_bytes())
    assert [one.event for one in written] == ["first", "interrupted", "next"]
    assert [one.previous for one in journal.entries] == [one.previous for one in written]


def test_part_of_a_line_is_taken_away_before_the_next(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append("load", "first")
    with journal.path.open("ab") as file:
        file.write(b'{"seq":1,"at"')
    journal.append("load", "next")
    assert [one.event for one in read(journal.path.read_bytes())] == ["first", "next"]


def test_full_disk_is_named_with_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "journal.jsonl"
    _written(file)
    monkeypatch.setattr("drill.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as raised:
        Journal(file).append("load", "note")
    assert raised.value.filename == str(file)
