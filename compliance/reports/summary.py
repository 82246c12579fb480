"""Render summary.md for a pull request: the verdict, the changes, then the worst findings; a screen or two."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from compliance.engine.baseline import Changes, Row
from compliance.engine.findings import COLUMNS, Finding, Findings, Verdict
from reporting.text import counted, one_line
from reporting.text import markdown as _cell

SHOWN: Final = 25
"""Number of failing rules in the table; the rest are counted, and report.json has them."""
SHOWN_PLACES: Final = 3
"""Number of constructs named for each rule."""
SHOWN_CHANGES: Final = 10
"""Number of rows listed for each kind of change."""


def render(ledger: Findings, changes: Changes | None = None, outcome: str = "") -> str:
    """Return the report as Markdown text; `outcome` is the last line where a threshold decides."""
    last = [f"**{outcome}.**", ""] if outcome else []
    parts = (_head(ledger), _changes(changes), _failures(ledger), _decisions(ledger), _packs(ledger), last)
    return "\n".join(line for part in parts for line in part)


def _head(ledger: Findings) -> list[str]:
    verdict = "passed" if ledger.passed else "failed"
    by = f" under --fail-on {ledger.threshold.fail_on}" if ledger.threshold else ""
    counts = ledger.counts
    return [
        f"# Compliance {verdict}{by}",
        "",
        (
            f"{len(ledger.failures)} open, {counts[Verdict.ACKNOWLEDGED]} acknowledged by "
            f"{counted(_used(ledger), 'decision')}, {counts[Verdict.PASS]:,} passed, in "
            f"{counted(len(ledger.subjects), 'template')} "
            f"({', '.join(map(_cell, ledger.configurations))}), judged on {ledger.judged_on}."
        ),
        "",
    ]


def _used(ledger: Findings) -> int:
    return sum(1 for use in ledger.decisions if use.acknowledged)


def _changes(changes: Changes | None) -> list[str]:
    if changes is None:
        return []
    kinds = {"new": changes.new, "newly acknowledged": changes.newly_acknowledged, "fixed": changes.fixed}
    totals = ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds.items())
    listed = [line for kind, rows in kinds.items() for line in _changed(kind, rows)]
    table = ["", "| Since the baseline | Rule | Where |", "|---|---|---|", *listed] if listed else []
    return [f"**Since the baseline: {totals}.**", *table, ""]


def _changed(kind: str, rows: Sequence[Row]) -> list[str]:
    lines = [f"| {kind} | {_cell(row.rule)} | {_place(row)} |" for row in rows[:SHOWN_CHANGES]]
    rest = len(rows) - SHOWN_CHANGES
    return [*lines, *([f"| {kind} | and {rest} more | |"] if rest > 0 else [])]


def _failures(ledger: Findings) -> list[str]:
    """Return a line for each rule, so that a rule that fails everywhere does not hide the others."""
    by_rule: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in ledger.failures:
        by_rule[finding.verdict, finding.rule].append(finding)
    if not by_rule:
        return []
    lines = ["| Verdict | Rule | Where | What |", "|---|---|---|---|"]
    lines += [_failure(findings) for findings in list(by_rule.values())[:SHOWN]]
    rest = len(by_rule) - SHOWN
    return [*lines, "", *([f"and {counted(rest, 'more rule')} in report.json", ""] if rest > 0 else [])]


def _failure(findings: list[Finding]) -> str:
    """Return the line of a rule: some of its constructs, each with the configurations that have it."""
    first = findings[0]
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings:
        places[finding.path, finding.source] += [finding.configuration] if finding.configuration else []
    shown = [_construct(*place, configurations) for place, configurations in list(places.items())[:SHOWN_PLACES]]
    rest = len(places) - SHOWN_PLACES
    where = "<br>".join([*shown, *([f"and {rest} more"] if rest > 0 else [])])
    return f"| {first.verdict} | {_cell(first.rule)} | {where} | {_cell(first.message)} |"


def _construct(path: str, source: str, configurations: list[str]) -> str:
    made_by = f" from {_code(source)}" if source else ""
    judged = f" ({', '.join(map(_cell, dict.fromkeys(configurations)))})" if configurations else ""
    return f"{_code(path)}{made_by}{judged}"


def _place(row: Row) -> str:
    return " ".join(filter(None, (_cell(row.configuration), _cell(row.region), _code(row.path))))


def _decisions(ledger: Findings) -> list[str]:
    if not ledger.decisions:
        return []
    return [
        "| Decision | Findings | Owner | Approved | Until |",
        "|---|---:|---|---|---|",
        *(
            f"| {_cell(one.title)} | {one.acknowledged} | {_cell(one.owner)} | {_cell(f'{one.approver}, {one.ticket}')} "
            f"| {one.expires} |"
            for one in ledger.decisions
        ),
        "",
    ]


def _packs(ledger: Findings) -> list[str]:
    rows = [f"| {_cell(pack)} | {' | '.join(map(str, counts.values()))} |" for pack, counts in ledger.by_pack.items()]
    return [f"| Pack | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS), *rows, ""]


def _code(text: str) -> str:
    """Return text as inline code, where only a pipe and a backtick have a meaning."""
    return f"`{one_line(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"
