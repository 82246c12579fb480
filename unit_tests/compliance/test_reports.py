"""The ledger and its renderings: what fails is said first, everywhere, and nothing evaluated is never a pass."""

import json
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from rich.console import Console

import compliance
from compliance.ledger import Advice, DecisionUse, Finding, Ledger, Place, RuleInfo, Severity, Subject, Verdict
from compliance.reports import json_report, summary, write_reports
from compliance.reports.console import show

SCHEMA = json.loads((Path(compliance.__file__).parent / "report.schema.json").read_text())
RULE = RuleInfo(id="P::R", title="It is good", why="It matters", fix="Mend it", controls=("NIST-800-53-R5:SC-28",))
MINOR = RuleInfo(id="P::Minor", title="It is tidy", why="It helps", fix="Tidy it", severity=Severity.WARNING)
BASE = Finding(rule="P::R", verdict=Verdict.PASS, configuration="prod", stack="S", path="S/A/Resource")
ROWS = (
    BASE,
    replace(BASE, rule="P::Minor", verdict=Verdict.FAIL, message="untidy"),
    replace(BASE, verdict=Verdict.NOT_EVALUATED, path="S/B/Resource", message="who knows"),
    replace(BASE, verdict=Verdict.FAIL, path="S/C/Resource", message="bad | \x1b[2J<b> `x`", line=7),
    replace(BASE, verdict=Verdict.ACKNOWLEDGED, path="S/D/Resource", message="bad", decision="logs"),
)
USE = DecisionUse(
    id="logs", title="Logs", reason="A log of a log never ends.", owner="me", expires=date(2027, 1, 1), acknowledged=1
)


def _ledger(*rows: Finding) -> Ledger:
    return Ledger(
        findings=rows,
        rules={RULE.id: RULE, MINOR.id: MINOR},
        judged_on=date(2026, 11, 24),
        silent={"P::R": [Place(configuration="prod", stack="S", path=f"S/{name}/Resource") for name in "XYZ"]},
        configurations=("prod",),
        subjects=(
            Subject(configuration="prod", name="S", stack_name="s", region="us-east-1", sha256="0" * 64, resources=4),
        ),
        decisions=(USE,),
        advice=(Advice(rule="P::W", configuration="prod", stack="S", path="S/A", message="perhaps"),),
    )


def test_counts_and_the_worst_first() -> None:
    ledger = _ledger(*ROWS)

    assert {verdict.value: count for verdict, count in ledger.counts.items()} == {
        "PASS": 1,
        "FAIL": 2,
        "ACKNOWLEDGED": 1,
        "NOT_APPLICABLE": 3,
        "NOT_EVALUATED": 1,
    }
    assert [row.path for row in ledger.failures] == ["S/C/Resource", "S/B/Resource", "S/A/Resource"]
    assert ledger.by_pack["P"] == ledger.counts


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ((), False),
        ((ROWS[2],), False),
        ((ROWS[0], ROWS[2]), False),
        ((ROWS[0], ROWS[1]), False),
        ((ROWS[0],), True),
        ((ROWS[4],), True),
    ],
)
def test_a_ledger_passes_only_if_something_was_evaluated_and_nothing_is_open(
    rows: tuple[Finding, ...],
    passed: bool,  # noqa: FBT001
) -> None:
    assert _ledger(*rows).passed is passed


def test_report_json_is_valid_by_its_schema_and_always_the_same_bytes() -> None:
    report = json_report.render(_ledger(*ROWS))

    jsonschema.validate(json.loads(report), SCHEMA, format_checker=jsonschema.FormatChecker())
    assert report == json_report.render(_ledger(*reversed(ROWS)))
    assert json.loads(report)["findings"][0]["path"] == "S/C/Resource"
    assert json.loads(report)["findings"][0]["line"] == 7


@pytest.mark.parametrize(
    "damage",
    [
        {"passed": "yes"},
        {"schema_version": "2.0"},
        {"surprise": 1},
        {"findings": [{"rule": "P::R", "verdict": "FAIL", "path": "x"}]},
        {"findings": [{"rule": "R", "verdict": "PASS", "path": "x"}]},
        {"findings": [{"rule": "P::R", "verdict": "PASS", "path": "x", "decision": "logs"}]},
        {"findings": [{"rule": "P::R", "verdict": "ACKNOWLEDGED", "path": "x"}]},
    ],
)
def test_the_schema_refuses_what_a_reader_would_misread(damage: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json_report.as_dict(_ledger(*ROWS)), **damage}, SCHEMA)


def test_junit_tells_failures_from_what_was_not_evaluated_and_what_is_acknowledged(tmp_path: Path) -> None:
    write_reports(_ledger(*ROWS), tmp_path)

    cases = {case.name: case for suite in JUnitXml.fromfile(str(tmp_path / "junit.xml")) for case in suite}

    assert len(cases) == 4  # two rows are about one resource
    assert isinstance(cases["S/B/Resource"].result[0], Error)
    assert isinstance(cases["S/C/Resource"].result[0], Failure)
    assert "Fix: Mend it" in cases["S/C/Resource"].result[0].text
    assert isinstance(cases["S/D/Resource"].result[0], Skipped)


def test_the_summary_leads_with_the_verdict_and_a_cell_cannot_break_the_table() -> None:
    text = summary.render(_ledger(*ROWS))

    assert text.startswith("# Compliance failed\n\n3 to mend, 1 acknowledged by 1 decisions")
    row = next(line for line in text.splitlines() if "S/C/Resource" in line)
    assert row.replace("\\|", "").count("|") == 5
    assert "<b>" not in row
    assert "\x1b" not in row
    assert summary.render(_ledger(ROWS[0])).startswith("# Compliance passed")


def test_the_summary_stays_short() -> None:
    rows = [replace(ROWS[3], path=f"S/{number}/Resource") for number in range(500)]

    text = summary.render(_ledger(*rows))

    assert len(text.splitlines()) < 60
    assert "and 475 more in report.json" in text


def test_the_terminal_shows_why_and_fix_and_obeys_no_template() -> None:
    console = Console(record=True, width=100, file=StringIO())

    show(_ledger(*ROWS), [Path("report.json")], console)

    text = console.export_text()
    assert "\x1b" not in text
    assert text.index("FAIL P::R") < text.index("FAIL P::Minor")
    for expected in ("S/C/Resource (prod)", "why: It matters", "fix: Mend it", "FAILED: 3 findings to mend"):
        assert expected in text
