"""summary.md has the verdict, the changes and the worst findings, and no cell breaks a table."""

import re
from dataclasses import replace

import pytest
from hypothesis import given

from compliance.engine.baseline import Changes
from compliance.engine.findings import Findings
from compliance.reports import summary
from unit_tests.compliance.reports.ledgers import (
    FAILING,
    PASSING,
    ROWS,
    RULE,
    UNTIDY,
    baseline_row,
    hostile,
    ledger,
    ledgers,
)

CODE = re.compile(r"`[^`\n]*`")
CELLS = re.compile(r"(?<!\\)(?:\\\\)*\|")


def test_summary_begins_with_the_verdict() -> None:
    text = summary.render(ledger(*ROWS))

    assert text.startswith("# Compliance failed\n\n3 open, 1 acknowledged by 1 decision, 1 passed, in 1 template (prod)")
    assert "from `infra/constructs/queue.py:42`" in text
    assert summary.render(ledger(PASSING)).startswith("# Compliance passed")


def test_summary_with_a_baseline_lists_changes_first() -> None:
    fixed = tuple(baseline_row(replace(PASSING, path=f"S/{number}")) for number in range(12))

    text = summary.render(ledger(*ROWS), Changes(new=(baseline_row(FAILING),), fixed=fixed))

    lines = text.splitlines()
    assert lines[4] == "**Since the baseline: 1 new, 0 newly acknowledged, 12 fixed.**"
    assert lines[8] == "| new | P::R | prod us-east-1 `S/C/Resource` |"
    assert "| fixed | and 2 more | |" in lines
    assert text.index("Since the baseline") < text.index("| FAIL |")
    assert "**Since the baseline: 0 new, 0 newly acknowledged, 0 fixed.**" in summary.render(ledger(PASSING), Changes())


def test_rule_that_fails_everywhere_is_one_line() -> None:
    rows = [replace(FAILING, path=f"S/{number}", message="bad") for number in range(5)]
    rows += [replace(row, configuration="dev") for row in rows]

    lines = [line for line in summary.render(ledger(*rows, UNTIDY)).splitlines() if line.startswith("| FAIL")]

    assert len(lines) == 2
    assert lines[0].count("from `infra/constructs/queue.py:42` (dev, prod)") == 3
    assert "<br>and 2 more | bad |" in lines[0]


def test_summary_of_many_rules_is_short() -> None:
    rules = {f"P::{number}": replace(RULE, id=f"P::{number}") for number in range(500)}
    rows = [replace(FAILING, rule=rule) for rule in rules]

    text = summary.render(ledger(*rows, rules=rules))

    assert len(text.splitlines()) < 60
    assert "and 475 more rules in report.json" in text


def test_hostile_text_is_no_markup_and_no_mention() -> None:
    text = summary.render(hostile(), Changes(new=tuple(map(baseline_row, hostile().failures))))

    assert "\x1b" not in text
    assert "\u202e" not in text
    outside_code = CODE.sub("", text).replace("<br>", "").replace("\\[", "").replace("\\]", "")
    for forbidden in ("<", "[", "]", "@everyone", "`"):
        assert forbidden not in outside_code, forbidden


@pytest.mark.property
@given(ledgers())
def test_every_line_of_a_table_has_the_cells_of_its_header(judged: Findings) -> None:
    width = 0
    for line in summary.render(judged, Changes(new=tuple(map(baseline_row, judged.failures)))).split("\n"):
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(CELLS.findall(line))
        assert cells == (width or cells)
        width = cells
