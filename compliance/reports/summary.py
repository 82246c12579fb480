"""summary.md: what a pull request shows. The verdict first, then what changed, then the worst; a screen or two."""

from collections.abc import Sequence
from typing import Final

from compliance.baseline import Changes, Row
from compliance.ledger import COLUMNS, Finding, Ledger, Verdict
from compliance.reports.text import one_line

SHOWN: Final = 25
"""Failing rows that are listed; the rest are counted and stand in report.json."""
SHOWN_CHANGES: Final = 10
"""Rows of each kind of change that are listed."""

_ESCAPED: Final = str.maketrans(
    {
        "\\": "\\\\",
        "|": "\\|",
        "[": "\\[",
        "]": "\\]",
        "*": "\\*",
        "_": "\\_",
        "~": "\\~",
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
        "`": "'",
        # A mention or a reference to an issue would notify people or link to what is not meant.
        "@": "@\N{WORD JOINER}",
        "#": "#\N{WORD JOINER}",
    }
)


def render(ledger: Ledger, changes: Changes | None = None) -> str:
    """The report as Markdown text."""
    parts = (_head(ledger), _changes(changes), _failures(ledger), _decisions(ledger), _packs(ledger))
    return "\n".join(line for part in parts for line in part)


def _head(ledger: Ledger) -> list[str]:
    verdict = "passed" if ledger.passed else "failed"
    counts = ledger.counts
    return [
        f"# Compliance {verdict}",
        "",
        (
            f"{len(ledger.failures)} to mend, {counts[Verdict.ACKNOWLEDGED]} acknowledged by {_used(ledger)} "
            f"decisions, {counts[Verdict.PASS]:,} passed, in {len(ledger.subjects)} templates "
            f"({', '.join(map(_cell, ledger.configurations))}), judged on {ledger.judged_on}."
        ),
        "",
    ]


def _used(ledger: Ledger) -> int:
    return sum(1 for use in ledger.decisions if use.acknowledged)


def _changes(changes: Changes | None) -> list[str]:
    if changes is None:
        return []
    kinds = {"new": changes.new, "newly acknowledged": changes.newly_acknowledged, "fixed": changes.fixed}
    told = ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds.items())
    listed = [line for kind, rows in kinds.items() for line in _changed(kind, rows)]
    table = ["", "| Since the baseline | Rule | Where |", "|---|---|---|", *listed] if listed else []
    return [f"**Since the baseline: {told}.**", *table, ""]


def _changed(kind: str, rows: Sequence[Row]) -> list[str]:
    lines = [f"| {kind} | {_cell(row.rule)} | {_place(row)} |" for row in rows[:SHOWN_CHANGES]]
    rest = len(rows) - SHOWN_CHANGES
    return [*lines, *([f"| {kind} | and {rest} more | |"] if rest > 0 else [])]


def _failures(ledger: Ledger) -> list[str]:
    if not ledger.failures:
        return []
    lines = ["| Verdict | Rule | Where | What |", "|---|---|---|---|"]
    lines += [_failure(finding) for finding in ledger.failures[:SHOWN]]
    rest = len(ledger.failures) - SHOWN
    return [*lines, "", *([f"and {rest} more in report.json", ""] if rest > 0 else [])]


def _failure(finding: Finding) -> str:
    made_by = f" from {_code(finding.source)}" if finding.source else ""
    return f"| {finding.verdict} | {_cell(finding.rule)} | {_place(finding)}{made_by} | {_cell(finding.message)} |"


def _place(row: Finding | Row) -> str:
    return " ".join(filter(None, (_cell(row.configuration), _cell(row.region), _code(row.path))))


def _decisions(ledger: Ledger) -> list[str]:
    if not ledger.decisions:
        return []
    return [
        "| Decision | Findings | Owner | Until |",
        "|---|---:|---|---|",
        *(f"| {_cell(u.title)} | {u.acknowledged} | {_cell(u.owner)} | {u.expires} |" for u in ledger.decisions),
        "",
    ]


def _packs(ledger: Ledger) -> list[str]:
    rows = [f"| {_cell(pack)} | {' | '.join(map(str, counts.values()))} |" for pack, counts in ledger.by_pack.items()]
    return [f"| Pack | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS), *rows, ""]


def _code(text: str) -> str:
    """Text in the type of code. Only a pipe and a backtick mean anything there."""
    return f"`{one_line(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _cell(text: str) -> str:
    """Text that is neither markup nor the end of a cell of a table, and calls nobody."""
    return one_line(text).translate(_ESCAPED)
