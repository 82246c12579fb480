"""The terminal shows why and fix for each failing rule, the counts, and a draft of a decision."""

import tomllib
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from compliance.engine.acknowledgements import MALFORMED, apply, read_registry
from compliance.engine.findings import Finding, Findings, Verdict
from compliance.reports import write_reports
from compliance.reports.console import show
from compliance.reports.places import draft
from reporting import bundle
from unit_tests.compliance.reports.ledgers import ACCEPTED, FAILING, PASSING, ROWS, TODAY, UNKNOWN, UNTIDY, hostile, ledger


def _shown(judged: Findings) -> str:
    written = StringIO()
    show(judged, [Path("report.json")], Console(record=True, width=100, file=written, force_terminal=False))
    return written.getvalue()


def test_terminal_shows_why_and_fix() -> None:
    text = _shown(ledger(*ROWS))

    assert text.index("FAIL P::R") < text.index("FAIL P::Minor")
    for expected in ("S/C/Resource (prod)", "why: It matters", "fix: Fix it", "FAILED: 3 findings open"):
        assert expected in text


def test_terminal_shows_no_control_characters_of_a_template() -> None:
    text = _shown(hostile())

    assert "\x1b" not in text
    assert "\u202e" not in text


def test_terminal_shows_the_hash_of_the_evidence(tmp_path: Path) -> None:
    files = write_reports(ledger(*ROWS), tmp_path, ["bundle"])
    written = StringIO()

    show(ledger(*ROWS), files, Console(width=200, file=written))

    assert f"SHA-256 of its manifest {bundle.fingerprint(files[0])}" in written.getvalue()


def test_last_line_is_the_verdict_of_the_threshold() -> None:
    written = StringIO()

    show(ledger(*ROWS), [], Console(width=200, file=written), "PASSED under --fail-on new: 3 findings open, none new")

    assert written.getvalue().splitlines()[-1] == "PASSED under --fail-on new: 3 findings open, none new"
    assert "FAILED" not in written.getvalue()


def completed(block: str) -> str:
    return (
        block.replace('title = ""', 'title = "Accepted"')
        .replace('reason = ""', 'reason = "It cannot be fixed before the next release."')
        .replace('owner = ""', 'owner = "platform"')
        .replace('approver = ""', 'approver = "security"')
        .replace('ticket = ""', 'ticket = "SEC-1"')
    )


def test_drafted_decision_covers_each_finding_once_completed(tmp_path: Path) -> None:
    rows = [replace(row, path=f"S/{number}/Resource", rule=f"P::R[{number // 2}]") for number, row in enumerate(ROWS)]
    open_rows = [row for row in rows if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}]
    file = tmp_path / "acknowledgements.toml"

    file.write_text(draft(open_rows, TODAY), "utf-8")
    assert {defect.rule for defect in read_registry(file, TODAY).defects} == {MALFORMED.id}

    file.write_text(completed(draft(open_rows, TODAY)), "utf-8")
    registry = read_registry(file, TODAY)
    assert registry.defects == ()
    covered = apply(registry, open_rows, {"environment": ("prod",)})
    assert {row.verdict for row in covered} == {Verdict.ACKNOWLEDGED}


def test_nothing_is_drafted_for_what_no_decision_covers() -> None:
    rows = [replace(ROWS[0], rule=MALFORMED.id, path="a/b"), replace(ROWS[0], path="S")]
    assert draft(rows, TODAY) == ""


@given(path=st.text(st.characters(codec="utf-8"), max_size=20).map("S/".__add__), name=st.text(max_size=5))
def test_draft_is_toml_for_any_text(path: str, name: str) -> None:
    finding: Finding = replace(ROWS[0], path=path, rule=f"P::{name.encode('utf-8', 'replace').decode()}")
    (cover,) = tomllib.loads(draft([finding], TODAY))["decision"][0]["covers"]
    assert (cover["paths"], cover["rules"]) == ([finding.path], [finding.rule])


def test_ledger_counts_verdicts_and_lists_the_worst_first() -> None:
    judged = ledger(*ROWS)

    assert {verdict.value: count for verdict, count in judged.counts.items()} == {
        "PASS": 1,
        "FAIL": 2,
        "ACKNOWLEDGED": 1,
        "NOT_APPLICABLE": 3,
        "NOT_EVALUATED": 1,
    }
    assert judged.failures == (FAILING, UNKNOWN, UNTIDY)
    assert judged.by_pack["P"] == judged.counts
    assert sum(row.verdict is Verdict.NOT_APPLICABLE for row in judged.rows()) == 3


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ((), False),
        ((UNKNOWN,), False),
        ((PASSING, UNKNOWN), False),
        ((PASSING, UNTIDY), False),
        ((PASSING,), True),
        ((ACCEPTED,), True),
    ],
)
def test_ledger_passes_only_with_evaluated_and_no_open_rows(
    rows: tuple[Finding, ...],
    passed: bool,  # noqa: FBT001
) -> None:
    assert ledger(*rows).passed is passed
