"""The signed evidence anchors the chain of drills: a drill that was dropped, and a chain that was written anew, are seen."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compliance.__main__ import app
from compliance.reports import drill_chain, write_reports
from drill.reports import chain, write
from reporting import bundle
from unit_tests.compliance.reports.ledgers import PASSING, ledger
from unit_tests.drill.reports.samples import passed

IDS = ("20261122T010000Z-aaaaaa", "20261123T010000Z-bbbbbb", "20261124T010000Z-cccccc")


def _drill(root: Path, drill_id: str, git_revision: str = "a") -> None:
    update = {"drill_id": drill_id, "git_revision": git_revision, "previous": chain.previous(root)}
    (root / drill_id).mkdir(parents=True)
    write(passed().model_copy(update=update), root / drill_id, journal=root / drill_id / "journal.jsonl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for drill_id in IDS:
        _drill(tmp_path / "drills", drill_id)
    return tmp_path / "drills"


@pytest.fixture
def evidence(root: Path, tmp_path: Path) -> Path:
    """The evidence of a run of the gate after the third drill."""
    (file,) = write_reports(ledger(PASSING), tmp_path, ["bundle"], drill=drill_chain.members(root / IDS[-1]))
    return file


def _problems(evidence: Path, root: Path) -> str:
    assert bundle.verify(evidence) == []
    result = CliRunner().invoke(app, ["verify", str(evidence), "--drills", str(root)])
    assert result.exit_code == (0 if "as its manifest says" in result.output else 1), result.output
    return "" if result.exit_code == 0 else result.output


def test_evidence_holds_the_head_and_the_count_of_the_chain(evidence: Path, root: Path) -> None:
    anchor = json.loads(bundle.unpack(evidence)[drill_chain.FILE])
    head = chain.previous(root)
    assert head is not None
    assert anchor == {"newest": head.drill_id, "report_sha256": head.report_sha256, "drills": 3}
    assert not _problems(evidence, root)
    _drill(root, "20261125T010000Z-dddddd")
    assert not _problems(evidence, root)  # a later drill


def test_newest_drill_that_was_dropped_is_seen(evidence: Path, root: Path) -> None:
    shutil.rmtree(root / IDS[-1])

    assert not [problem for problem in chain.verify(root) if "chain" in problem or "link" in problem]
    assert f"{IDS[-1]} is missing" in _problems(evidence, root)


def test_chain_that_was_written_anew_is_seen(evidence: Path, root: Path) -> None:
    shutil.rmtree(root)
    for drill_id in IDS:
        _drill(root, drill_id, git_revision="forged")

    assert not [problem for problem in chain.verify(root) if "chain" in problem or "link" in problem]
    assert f"{IDS[-1]} was changed" in _problems(evidence, root)


def test_first_drill_that_was_dropped_or_changed_is_seen(evidence: Path, root: Path) -> None:
    report = root / IDS[0] / "report.json"
    report.write_text(report.read_text() + "\n")
    assert f"{IDS[0]} was changed" in _problems(evidence, root)
    report.unlink()
    assert f"{IDS[0]} is missing" in _problems(evidence, root)


def test_evidence_without_a_drill_anchors_no_chain(root: Path, tmp_path: Path) -> None:
    (file,) = write_reports(ledger(PASSING), tmp_path, ["bundle"])
    assert "anchors no chain of drills" in _problems(file, root)


@pytest.mark.parametrize("anchor", [b"[]", b"{}", b"no JSON", b'{"newest": [], "report_sha256": 1, "drills": "many"}'])
def test_malformed_anchor_is_a_problem(root: Path, tmp_path: Path, anchor: bytes) -> None:
    (file,) = write_reports(ledger(PASSING), tmp_path, ["bundle"], drill={drill_chain.FILE: anchor})
    assert "anchors no chain of drills" in _problems(file, root)


def test_drill_alone_anchors_a_chain_of_one(root: Path, tmp_path: Path) -> None:
    """A runner of CI has the newest drill alone, and its `latest` is a copy."""
    alone = shutil.copytree(root / IDS[-1], tmp_path / "alone" / "latest")
    assert json.loads(drill_chain.members(alone)[drill_chain.FILE])["drills"] == 1
