"""Test the chain of drills: it names changed, removed and forked reports; `latest` is never an incomplete folder."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drill.journal import Journal
from drill.model import DrillReport
from drill.reports import chain, files, write
from unit_tests.drill.reports.samples import never_began, passed

IDS = ("20261122T010000Z-aaaaaa", "20261123T010000Z-bbbbbb", "20261124T010000Z-cccccc")
BESIDE = ("receipts.jsonl", "receipts-us-west-2.jsonl", "samples.jsonl")


def _drill(root: Path, drill_id: str, made: Callable[..., DrillReport] = passed) -> Path:
    """Write another drill, which names the previous one."""
    folder = root / drill_id
    folder.mkdir(parents=True)
    for name in BESIDE:
        (folder / name).write_text(f"{name} of {drill_id}\n")
    journal = Journal(folder / "journal.jsonl")
    journal.append("preflight", "drill began", plan={})
    report = made().model_copy(
        update={
            "drill_id": drill_id,
            "previous": chain.previous(root),
            "journal_sha256": journal.sha256(),
        }
    )
    write(report, folder, journal=folder / "journal.jsonl")
    journal.append("report", "phase done", outcome="passed")
    journal.append("report", "drill ended", verdict="passed")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three drills; the second one never began."""
    folder = tmp_path / "drill"
    for drill_id, made in zip(IDS, (passed, never_began, passed), strict=True):
        _drill(folder, drill_id, made)
    return folder


def test_chain_of_reports_is_valid(root: Path) -> None:
    assert chain.verify(root) == []
    reports = [DrillReport.model_validate_json((root / drill_id / "report.json").read_bytes()) for drill_id in IDS]
    assert [report.previous and report.previous.drill_id for report in reports] == [None, *IDS[:2]]
    head = chain.previous(root)
    assert head is not None
    assert head.drill_id == IDS[2]
    assert head.report_sha256 == hashlib.sha256((root / IDS[2] / "report.json").read_bytes()).hexdigest()


def test_first_drill_has_no_previous_one(tmp_path: Path) -> None:
    assert chain.previous(tmp_path / "none") is None
    assert chain.verify(tmp_path / "none") == []


def test_drill_that_reports_again_is_not_its_own_previous_one(root: Path) -> None:
    before = chain.previous(root, but=IDS[2])

    assert before is not None
    assert before.drill_id == IDS[1]


@pytest.mark.parametrize("cut", [1, 2])
def test_last_lines_that_were_cut_off_are_named(cut: int, root: Path) -> None:
    file = root / IDS[2] / "journal.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-cut]))

    (problem,) = chain.verify(root)

    assert problem.startswith(f"{IDS[2]}: the last lines of journal.jsonl are missing")


@pytest.mark.parametrize("name", BESIDE)
def test_receipts_and_samples_are_covered(name: str, root: Path) -> None:
    with (root / IDS[2] / name).open("a") as file:
        file.write("more\n")
    (root / IDS[1] / name).unlink()

    assert chain.verify(root) == [
        f"{IDS[1]}: {name} is missing",
        f"{IDS[2]}: {name} was changed: the manifest of evidence.zip has another SHA-256",
    ]


@pytest.mark.parametrize("also", [(), ("evidence.zip",), ("journal.jsonl",)])
def test_removed_newest_report_is_missing(also: tuple[str, ...], root: Path) -> None:
    for name in ("report.json", *also):
        (root / IDS[2] / name).unlink()

    assert chain.verify(root) == [f"{IDS[2]}: report.json is missing, though the drill was reported"]


def test_chain_drill_without_a_report_needs_a_readable_journal(root: Path) -> None:
    folder = root / "20261125T010000Z-dddddd"
    folder.mkdir()
    Journal(folder / "journal.jsonl").append("preflight", "drill began", plan={})
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"half a line')
    assert chain.verify(root) == []

    (folder / "journal.jsonl").write_bytes(b"garbage\n")
    (problem,) = chain.verify(root)
    assert problem.startswith(f"{folder.name}: journal.jsonl was changed: Line 1")


def _change(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes().replace(b"us-west-2", b"us-west-1").replace(b"0", b"1"))


@pytest.mark.parametrize("name", ["report.json", "summary.md", "junit.xml", "index.html", "journal.jsonl", "evidence.zip"])
def test_changed_file_is_named(name: str, root: Path) -> None:
    _change(root / IDS[0], name)

    problems = chain.verify(root)

    assert problems
    assert all(problem.startswith(f"{IDS[0]}: ") for problem in problems)
    assert f"{name} was changed" in "\n".join(problems) or (name == "evidence.zip" and "evidence.zip: " in problems[0])


@pytest.mark.parametrize("name", ["summary.md", "junit.xml", "index.html", "journal.jsonl", "evidence.zip"])
def test_removed_file_is_named(name: str, root: Path) -> None:
    (root / IDS[1] / name).unlink()

    assert f"{IDS[1]}: {name} is missing" in chain.verify(root)


def test_regenerated_report_breaks_the_chain(root: Path) -> None:
    folder = root / IDS[0]
    report = DrillReport.model_validate_json((folder / "report.json").read_bytes())
    write(report.model_copy(update={"lost": 0, "objects": 9}), folder, journal=folder / "journal.jsonl")

    (problem,) = chain.verify(root)

    assert problem.startswith(f"{IDS[0]}: report.json was changed after {IDS[1]} named it")


def test_removed_drill_is_a_missing_link(root: Path) -> None:
    for file in (root / IDS[1]).iterdir():
        file.unlink()

    (problem,) = chain.verify(root)

    assert problem.startswith(f"{IDS[2]}: a link is missing: its previous drill is {IDS[1]}")


def test_fork_and_second_beginning_are_named(root: Path) -> None:
    report = DrillReport.model_validate_json((root / IDS[2] / "report.json").read_bytes())
    for drill_id, update in (
        ("20261125T010000Z-dddddd", {}),
        ("20261126T010000Z-eeeeee", {"previous": None}),
    ):
        folder = root / drill_id
        folder.mkdir()
        shutil.copy(root / IDS[2] / "journal.jsonl", folder)
        write(report.model_copy(update={"drill_id": drill_id, **update}), folder, journal=folder / "journal.jsonl")

    assert chain.verify(root) == [
        f"the chain forks: {IDS[2]} and 20261125T010000Z-dddddd each name {IDS[1]} as their previous drill",
        f"the chain has more than one start: {IDS[0]} and 20261126T010000Z-eeeeee name no previous drill",
    ]


def test_chain_invalid_report_is_named_with_its_problem(root: Path) -> None:
    (root / IDS[2] / "report.json").write_text('{"lost": "\x1b[31m"}')

    (problem,) = [problem for problem in chain.verify(root) if "is not a valid report" in problem]

    assert problem.startswith(f"{IDS[2]}: report.json was changed")
    assert "\x1b" not in problem


def test_latest_follows_the_newest(root: Path) -> None:
    assert (root / "latest").is_symlink()
    assert (root / "latest" / "report.json").read_bytes() == (root / IDS[2] / "report.json").read_bytes()


def test_latest_without_symbolic_links_is_a_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)

    for drill_id in IDS[:2]:
        files.point_latest_at(root / drill_id)
        assert not (root / "latest").is_symlink()
        assert (root / "latest" / "report.json").read_bytes() == (root / drill_id / "report.json").read_bytes()
        assert chain.verify(root) == [], "a copy is no drill of its own"

    monkeypatch.undo()
    files.point_latest_at(root / IDS[2])
    assert (root / "latest").is_symlink()
    assert not list(root.glob(".latest*"))
