"""The report of a drill says what its journal says, and nothing that was not measured."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from drill import __main__ as command_line
from drill import reporting
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.model import DrillReport, Proof
from drill.plan import Plan

PLAN = Plan(drill_id="20260101T000000Z-abcdef", objects=7)
PROOF = Proof(at="now", sources=("a", "b"), objects=7, equal=False, lost=0, duplicated=3, divergent=1)


def _report(tmp_path: Path, proof: Proof | None = None) -> DrillReport:
    folder = DrillFolder(tmp_path / PLAN.drill_id)
    folder.path.mkdir()
    journal = Journal(folder.journal)
    journal.append("preflight", "drill began", plan=PLAN.as_json())
    if proof:
        journal.state("reconcile", "proof", proof.model_dump(mode="json"))
    return reporting.build(journal, PLAN, folder)


def test_without_a_proof_it_is_not_known_what_was_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = _report(tmp_path)
    assert (report.lost, report.duplicated, report.divergent) == (None, None, None)
    with pytest.raises(typer.Exit):
        command_line._conclude(report)  # noqa: SLF001 - what a user sees last
    said = " ".join(capsys.readouterr().out.split())
    assert "what was lost or duplicated or divergent is not known" in said
    assert "0 lost" not in said


def test_with_a_proof_its_counts_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = _report(tmp_path, PROOF)
    assert (report.lost, report.duplicated, report.divergent) == (0, 3, 1)
    with pytest.raises(typer.Exit):
        command_line._conclude(report)  # noqa: SLF001 - likewise
    assert "7 objects, 0 lost, 3 duplicated, 1 divergent" in " ".join(capsys.readouterr().out.split())
