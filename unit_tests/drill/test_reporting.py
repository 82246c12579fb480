"""Test that the report of a drill equals its journal, without unmeasured values."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import typer

from drill import __main__ as command_line
from drill import reporting
from drill.faults import FAULTS
from drill.folder import DrillFolder
from drill.journal import Journal
from drill.model import DrillReport, Proof
from drill.plan import Plan

PLAN = Plan(drill_id="20260101T000000Z-abcdef", objects=7)
PROOF = Proof(at="now", sources=("a", "b"), objects=7, equal=False, lost=0, duplicated=3, divergent=1)


def _report(tmp_path: Path, proof: Proof | None = None, plan: Plan = PLAN) -> DrillReport:
    folder = DrillFolder(tmp_path / PLAN.drill_id)
    folder.path.mkdir()
    journal = Journal(folder.journal)
    journal.append("preflight", "drill began", plan=plan.as_json())
    if proof:
        journal.state("reconcile", "proof", proof.model_dump(mode="json"))
    return reporting.build(journal, plan, folder)


def test_report_without_a_proof_has_unknown_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = _report(tmp_path)
    assert (report.lost, report.duplicated, report.divergent) == (None, None, None)
    with pytest.raises(typer.Exit):
        command_line._conclude(report)  # noqa: SLF001 - what a user sees last
    output = " ".join(capsys.readouterr().out.split())
    assert "the number of lost or duplicated or divergent objects is unknown" in output
    assert "0 lost" not in output


def test_report_with_a_proof_shows_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = _report(tmp_path, PROOF)
    assert (report.lost, report.duplicated, report.divergent) == (0, 3, 1)
    with pytest.raises(typer.Exit):
        command_line._conclude(report)  # noqa: SLF001 - likewise
    assert "7 objects, 0 lost, 3 duplicated, 1 divergent" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("mode", ["local", "live"])
def test_report_lists_what_the_drill_cannot_test(tmp_path: Path, mode: str) -> None:
    plan = dataclasses.replace(PLAN, mode=mode)
    listed = {one.what for one in _report(tmp_path, plan=plan).not_tested}
    assert {"The time that an operator needs to decide", "The guard and clients"} <= listed
    assert ("A drill in a real account" in listed) is (mode == "local")
    not_on_aws = [name for name, fault in FAULTS.items() if not fault.is_made_on_aws]
    assert (f"{', '.join(not_on_aws)}, a true blackout" in listed) is (mode == "live")
    assert {"destroy", "crash"} <= {*not_on_aws}
    # It is the live drill that has no name server to ask.
    assert ("DNS" in listed) is (mode == "live")
