"""The comparison of two bundles, and of the drills that one anchors, shows each change and nothing else."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compliance.__main__ import app
from compliance.engine.findings import Findings, Verdict
from compliance.reports import drill_chain, write_reports
from drill.reports import chain, write
from reporting import bundle
from unit_tests.compliance.reports.ledgers import BASE, HOSTILE, PASSING, ROWS, RULE, USE, ledger, subject
from unit_tests.drill.reports.samples import passed

TEMPLATE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}}}


def made(folder: Path, of: Findings) -> Path:
    write_reports(of, folder, ["bundle"])
    return folder / bundle.EVIDENCE


def compared(old: Path, new: Path) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["diff", str(old), str(new)])
    return ended.exit_code, ended.stdout + ended.stderr


def with_template(body: dict[str, Any]) -> Findings:
    return replace(ledger(*ROWS), subjects=(subject(json.dumps(body)),))


def test_same_evidence_has_no_difference(tmp_path: Path) -> None:
    old, new = (made(tmp_path / name, ledger()) for name in ("old", "new"))
    assert compared(old, new) == (0, "No difference in templates, rules, verdicts and decisions.\n")


def test_each_kind_of_change_is_one_line(tmp_path: Path) -> None:
    changed = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 2}}}}
    before = with_template(TEMPLATE)
    failing = tuple(replace(row, verdict=Verdict.FAIL) if row == BASE else row for row in before.findings)
    after = replace(
        with_template(changed),
        findings=failing,
        rules={**before.rules, RULE.id: replace(RULE, title="Changed")},
        decisions=(replace(USE, owner="another"),),
    )
    code, output = compared(made(tmp_path / "old", before), made(tmp_path / "new", after))
    assert code == 1
    lines = output.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "Templates: 1 difference",
        "Rules: 1 difference",
        "Verdicts: 1 difference",
        "Decisions: 1 difference",
    ]
    assert "  ~ prod/S.template.json Queue: DelaySeconds" in lines
    assert "  ~ P::R: title" in lines
    assert "  ~ P::R prod us-east-1 S/A/Resource: PASS -> FAIL" in lines
    assert "  ~ logs: owner" in lines


def test_hostile_text_cannot_control_the_terminal(tmp_path: Path) -> None:
    renamed = tuple(replace(row, path=HOSTILE) if row == BASE else row for row in ROWS)
    _, output = compared(made(tmp_path / "old", ledger(*ROWS)), made(tmp_path / "new", ledger(*renamed)))
    assert "\x1b" not in output
    assert "\u202e" not in output


@pytest.mark.parametrize("damage", [b"", b"PK", None])
def test_changed_or_missing_bundle_ends_with_2(damage: bytes | None, tmp_path: Path) -> None:
    old, broken = made(tmp_path / "old", ledger()), tmp_path / "broken.zip"
    if damage is not None:
        broken.write_bytes(damage)
    code, output = compared(old, broken)
    assert code == 2
    assert f"ERROR: {broken}" in output


@pytest.mark.parametrize("report", [b"[]", b"{", b'{"findings": 1}', b'{"rules": [1]}', b"[" * 100_000])
def test_bundle_with_another_report_ends_with_2(report: bytes, tmp_path: Path) -> None:
    forged = tmp_path / "forged.zip"
    forged.write_bytes(bundle.pack({"report.json": report}))
    code, output = compared(made(tmp_path / "old", ledger()), forged)
    assert code == 2
    assert "give the evidence.zip of a run" in output


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
