"""The comparison of two bundles shows each change of templates, rules, verdicts and decisions, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compliance.__main__ import app
from compliance.engine.findings import Findings, Verdict
from compliance.reports import write_reports
from reporting import bundle
from unit_tests.compliance.reports.ledgers import BASE, HOSTILE, ROWS, RULE, USE, ledger, subject

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
