"""summary.md: what a pull request shows. The verdict first, then the worst, and no more than a screen or two."""

from typing import Final

from compliance.ledger import COLUMNS, Finding, Ledger, Verdict
from compliance.reports.text import printable

SHOWN: Final = 25
"""Failing rows that are listed; the rest are counted and stand in report.json."""


def render(ledger: Ledger) -> str:
    """The report as Markdown text."""
    return "\n".join((*_head(ledger), *_failures(ledger), *_decisions(ledger), *_packs(ledger)))


def _head(ledger: Ledger) -> list[str]:
    verdict = "passed" if ledger.passed else "failed"
    counts = ledger.counts
    return [
        f"# Compliance {verdict}",
        "",
        (
            f"{len(ledger.failures)} to mend, {counts[Verdict.ACKNOWLEDGED]} acknowledged by {_used(ledger)} "
            f"decisions, {counts[Verdict.PASS]:,} passed, in {len(ledger.subjects)} templates "
            f"({', '.join(ledger.configurations)}), judged on {ledger.judged_on}."
        ),
        "",
    ]


def _used(ledger: Ledger) -> int:
    return sum(1 for use in ledger.decisions if use.acknowledged)


def _failures(ledger: Ledger) -> list[str]:
    if not ledger.failures:
        return []
    lines = ["| Verdict | Rule | Where | What |", "|---|---|---|---|"]
    lines += [_failure(finding) for finding in ledger.failures[:SHOWN]]
    rest = len(ledger.failures) - SHOWN
    return [*lines, "", *([f"and {rest} more in report.json", ""] if rest > 0 else [])]


def _failure(finding: Finding) -> str:
    place = f"{finding.configuration} {finding.region} `{_cell(finding.path)}`".strip()
    return f"| {finding.verdict} | {_cell(finding.rule)} | {place} | {_cell(finding.message)} |"


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
    rows = [f"| {pack} | {' | '.join(map(str, counts.values()))} |" for pack, counts in ledger.by_pack.items()]
    return [f"| Pack | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS), *rows, ""]


def _cell(text: str) -> str:
    """Text that cannot break out of a cell of a table."""
    return printable(" ".join(text.split())).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
