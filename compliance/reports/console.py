"""Print the findings on the terminal, worst rule first, then the numbers and the verdict."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compliance.engine.findings import COLUMNS, NOTHING_EVALUATED, Finding, Findings, Verdict
from compliance.reports.places import draft
from reporting.bundle import EVIDENCE, fingerprint
from reporting.text import counted, printable

SHOWN_RULES: Final = 40
SHOWN_PLACES: Final = 6


def show(ledger: Findings, files: list[Path], console: Console, outcome: str = "") -> None:
    """Print the ledger; `outcome` replaces the last line where a threshold decides."""
    for rule, findings in list(_by_rule(ledger).items())[:SHOWN_RULES]:
        _show_rule(ledger, rule, findings, console)
    if ledger.registry and (block := draft(ledger.failures, ledger.judged_on)):  # none applies to bare templates
        console.print(
            Text("To accept what you cannot fix, complete this and paste it into compliance/acknowledgements.toml:")
        )
        console.print(Text(f"{block}\n"), soft_wrap=True)
    console.print(_table(ledger))
    if files:
        console.print(Text("Reports: " + ", ".join(map(str, files)), style="dim"))
    for file in files:
        if file.name == EVIDENCE:
            # A reader who keeps this line can check later that the bundle is the one of this run.
            console.print(Text(f"Evidence: SHA-256 of its manifest {fingerprint(file)}", style="dim"))
    console.print(_outcome(outcome) if outcome else _verdict(ledger))


def _by_rule(ledger: Findings) -> dict[str, list[Finding]]:
    """Return the failing rows of each rule, worst rule first."""
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in ledger.failures:
        grouped[finding.rule].append(finding)
    return grouped


def _show_rule(ledger: Findings, name: str, findings: list[Finding], console: Console) -> None:
    rule = ledger.rules[name]
    console.print(Text(f"{findings[0].verdict} {printable(name)}", style="bold red"))
    console.print(Text(f"  {printable(rule.title)}"))
    for (path, message), configurations in list(_places(findings).items())[:SHOWN_PLACES]:
        where = f" ({', '.join(configurations)})" if configurations else ""
        console.print(Text(f"  - {printable(path)}", style="cyan") + Text(where))
        if message != rule.title:
            console.print(Text(f"    {printable(message)}"))
    if len(_places(findings)) > SHOWN_PLACES:
        console.print(Text(f"  - and {len(_places(findings)) - SHOWN_PLACES} more in report.json"))
    console.print(Text(f"  why: {printable(rule.why)}", style="dim"))
    console.print(Text(f"  fix: {printable(rule.fix)}", style="dim"))
    console.print()


def _places(findings: list[Finding]) -> dict[tuple[str, str], list[str]]:
    """Return each place and message with the configurations that have it."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings:
        places[finding.path, finding.message] += [finding.configuration] if finding.configuration else []
    return places


def _table(ledger: Findings) -> Table:
    judged = Text(printable(", ".join(ledger.configurations)) or "nothing")
    table = Table(title=Text("Compliance of ").append(judged))
    table.add_column("pack", no_wrap=True)
    for verdict in COLUMNS:
        table.add_column(verdict.replace("_", " ").lower(), justify="right")
    for pack, counts in ledger.by_pack.items():
        style = "red" if counts[Verdict.FAIL] or counts[Verdict.NOT_EVALUATED] else ""
        table.add_row(Text(printable(pack)), *(f"{count:,}" for count in counts.values()), style=style)
    return table


def _outcome(outcome: str) -> Text:
    return Text(outcome, style="bold green" if outcome.startswith("PASSED") else "bold red")


def _verdict(ledger: Findings) -> Text:
    if ledger.passed:
        return Text(
            f"PASSED: {counted(ledger.counts[Verdict.ACKNOWLEDGED], 'finding')} acknowledged, none open", style="bold green"
        )
    if ledger.evaluated == 0:
        return Text(f"ERROR: {NOTHING_EVALUATED}", style="bold red")
    return Text(f"FAILED: {counted(len(ledger.failures), 'finding')} open", style="bold red")
