"""Test the message of an interrupted drill, which follows from its journal."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import typer

from drill import __main__ as command_line
from drill import interrupted, runner
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.plan import Plan
from drill.targets import supervisor

ID = "20260101T000000Z-abcdef"
FAULT = ("inject", "fault injecting", {"fault": "grey@inject", "name": "grey"})
HEALED = ("inject", "fault healed", {"fault": "grey@inject", "name": "grey"})
DECIDED = ("decide", "moment", {"name": "decided", "epoch": 1.0})
BACK = ("failback", "moment", {"name": "failed_back", "epoch": 2.0})
ENDED = ("report", "drill ended", {"verdict": "failed"})
PASSED = ("report", "drill ended", {"verdict": "PASSED"})
STUCK = ("detect", "phase failed", {"why": "not rolled back: no answer"})
BEGAN = ("preflight", "drill began", {"plan": Plan(drill_id=ID).as_json()})
Line = tuple[str, str, dict[str, Any]]


def _journal(tmp_path: Path, *lines: Line) -> Journal:
    folder = DrillFolder(tmp_path / ID)
    folder.path.mkdir()
    journal = Journal(folder.journal)
    for phase, event, data in lines:
        journal.append(phase, event, **data)
    return journal


@pytest.mark.parametrize(
    ("lines", "cloud_is_there", "says", "says_not"),
    [
        ((), False, "nothing was started", "abort"),
        ((BEGAN,), True, "no fault was injected; nothing was promoted; it is not reported yet; its local cloud", "healed"),
        ((BEGAN, FAULT), True, "grey may still be active", "healed"),
        ((BEGAN, FAULT, DECIDED), True, "the secondary may still be active", "primary is active"),
        ((BEGAN, FAULT, DECIDED, HEALED), True, "every fault was healed; the secondary may still be active", "reported as"),
        ((BEGAN, FAULT, DECIDED, HEALED, BACK), True, "every fault was healed; the primary is active; it is not", "may"),
        ((BEGAN, FAULT, DECIDED, HEALED, ENDED), False, "the primary is active; it is reported as failed.", "abort"),
        ((BEGAN, FAULT, DECIDED, HEALED, PASSED), False, "it is reported as passed.", "failed"),
        ((BEGAN, FAULT, DECIDED, STUCK, ENDED), False, "not rolled back: no answer", "primary is active"),
    ],
)
def test_interrupted_text_follows_from_the_journal(
    tmp_path: Path,
    lines: tuple[Line, ...],
    cloud_is_there: bool,  # noqa: FBT001 - a table's column
    says: str,
    says_not: str,
) -> None:
    output = interrupted.describe(_journal(tmp_path, *lines), ID, cloud_is_there=cloud_is_there)
    assert says in output
    assert says_not not in output
    assert (f"lockstep drill abort {ID}" in output) is (bool(lines) and cloud_is_there)


@pytest.mark.parametrize(
    ("is_ended", "is_held", "has_cloud", "expected"),
    [
        (True, False, False, "The drill has ended."),
        (False, True, True, "The drill is running."),
        (False, False, True, f"The drill was interrupted. To continue it, type: lockstep drill resume {ID} (or abort)"),
        (
            False,
            False,
            False,
            "The drill was interrupted, and its local cloud has ended: The process that holds the local cloud was killed. "
            f"To report it as failed, type: lockstep drill resume {ID}",
        ),
    ],
)
def test_next_step_follows_from_the_drill_and_its_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_ended: bool, is_held: bool, has_cloud: bool, expected: str
) -> None:
    folder = DrillFolder(tmp_path / ID)
    folder.path.mkdir()
    folder.target.touch()
    monkeypatch.setattr(supervisor, "attach", lambda _: object() if has_cloud else None)
    with folder.held() if is_held else contextlib.nullcontext():
        assert interrupted.next_step(folder, is_ended=is_ended) == expected


def test_second_ctrl_c_reports_the_remaining_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _journal(tmp_path, BEGAN, FAULT)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "resume", interrupt)
    with pytest.raises(typer.Exit) as leaving, command_line._printing_failures():  # noqa: SLF001 - what every command does
        command_line._resume(DrillFolder(tmp_path / ID))  # noqa: SLF001 - likewise
    assert leaving.value.exit_code == 130
    output = capsys.readouterr().err
    assert "grey may still be active" in output
    assert "healed" not in output
