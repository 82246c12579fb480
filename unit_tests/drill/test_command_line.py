"""Test the command line: contradictory options are refused before the drill starts."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drill import __main__ as command_line
from drill import runner
from drill.folder import DrillFolder
from drill.plan import Plan
from operations.errors import RunFailure

ID = "20260101T000000Z-abcdef"


def _type(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, begin: Callable[[Plan, DrillFolder], None] | None = None
) -> tuple[int, str, list[str]]:
    """Run a command line; return the exit status, the output, and the drills that were started or resumed."""
    done: list[str] = []
    monkeypatch.setattr(runner, "begin", begin or (lambda *_: done.append("begin")))
    monkeypatch.setattr(command_line, "_resume", lambda *_, **__: done.append("resume"))
    monkeypatch.setattr(command_line, "_conclude", lambda *_: None)
    monkeypatch.setattr(command_line, "end_like_ctrl_c_on", lambda *_: None)
    result = CliRunner().invoke(command_line.app, list(arguments))
    return result.exit_code, " ".join(result.output.split()), done


def test_dry_run_of_a_begun_drill_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    code, output, done = _type(monkeypatch, "run", "--dry-run", "--resume", ID)
    assert (code, done) == (2, [])
    assert "--dry-run and --resume exclude each other" in output
    assert f"lockstep drill status {ID}" in output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--plan", "x.toml", "--self-test"], "--plan and --self-test"),
        (["--campaign", "smoke", "--self-test"], "--campaign and --self-test"),
        (["--plan", "x.toml", "--resume", ID], "--plan and --resume"),
        (["--campaign", "smoke", "--live"], "--campaign and --live"),
        (["--self-test", "--fault", "grey"], "--self-test and --fault"),
    ],
)
def test_second_way_to_choose_the_drill_is_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], named: str
) -> None:
    code, output, done = _type(monkeypatch, "run", *arguments)
    assert (code, done) == (2, [])
    assert f"{named} exclude each other." in output


def test_drill_that_cannot_write_its_folder_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    begin = runner.begin
    monkeypatch.setattr(command_line, "ROOT", tmp_path / "reports")
    code, output, done = _type(monkeypatch, "--objects", "1", begin=begin)
    assert (code, done) == (1, [])
    assert f"{tmp_path / 'reports'}" in output
    assert "Not a directory. The drill has not begun. Correct that, and type the same command." in output


def test_full_disk_before_the_first_entry_leaves_no_drill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fill(_plan: object, folder: DrillFolder) -> None:
        folder.path.mkdir(parents=True)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    code, output, done = _type(monkeypatch, "--objects", "1", begin=fill)
    assert (code, done, list(tmp_path.iterdir())) == (1, [], [])
    assert "No space left on device. The drill has not begun." in output


@pytest.mark.parametrize(
    ("has_journal", "expected"),
    [
        (True, f"No space left on device. The drill has stopped. Correct that, and type: lockstep drill resume {ID}"),
        (False, "The drill's folder is gone, so it cannot be resumed. To start another, type: lockstep drill run"),
    ],
)
def test_drill_that_cannot_write_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    has_journal: bool,  # noqa: FBT001 - a table's column
    expected: str,
) -> None:
    folder = DrillFolder(tmp_path / ID)
    runner.begin(Plan(drill_id=ID), folder, command_at=0.0)

    def fill(*_: object, **__: object) -> None:
        if not has_journal:
            folder.journal.unlink()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runner, "resume", fill)
    with pytest.raises(RunFailure) as caught:
        command_line._resume(folder)  # noqa: SLF001 - what `run` and `resume` do
    assert expected in f"{caught.value.message} {caught.value.hint}"


def test_dry_run_begins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    code, output, done = _type(monkeypatch, "--dry-run", "--fault", "grey")
    assert (code, done) == (0, [])
    assert "FAULT grey" in output


@pytest.mark.parametrize("fault", ["lag", "throttle@failback"])
@pytest.mark.parametrize("dry", [True, False])
def test_fault_impossible_on_aws_is_refused_before_the_drill(
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    dry: bool,  # noqa: FBT001 - a table's column
) -> None:
    live = ("--live", "--account", "1" * 12, "--execute", "--stop-alarm", "a", "--fis-role", "b", "--environment", "dev")
    flags = ("--dry-run",) if dry else ()
    code, output, done = _type(monkeypatch, "run", *live, *flags, "--fault", "grey", "--fault", fault)
    assert (code, done) == (2, [])
    assert (
        f"these faults cannot be injected on AWS: {fault if '@' in fault else f'{fault}@inject'}. Nothing was done."
        in output
    )


def test_stop_alarm_is_read_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    code, output, done = _type(monkeypatch, "run", "--live", "--account", "1" * 12, "--execute")
    assert (code, done) == (2, [])
    assert "--stop-alarm NAME and --fis-role ARN is missing" in output


def test_verify_without_any_drill_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    code, output, _ = _type(monkeypatch, "verify")
    assert code == 2
    assert "There is no drill yet" in output
    assert "No drill was changed" not in output
