"""A drafted decision covers the findings once its owner has completed it, and not before."""

import tomllib
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from compliance.engine.acknowledgements import MALFORMED, apply, read_registry
from compliance.engine.findings import Finding, Verdict
from compliance.reports.decision import draft
from unit_tests.compliance.reports.ledgers import ROWS, TODAY


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
