"""Render summary.md: the verdict and its reasons, measures and targets, findings, and what was not tested."""

from collections.abc import Iterable, Sequence
from typing import Final

from drill.model import DrillReport, Finding
from drill.reports import facts, formatting
from reporting.text import markdown as cell

SHOWN: Final = 10
"""Maximum number of listed findings, and of things not tested; report.json has all."""


def render(report: DrillReport) -> str:
    """Return the report as Markdown text."""
    parts = (
        _head(report),
        _plan(report),
        _measures(report),
        _recovery(report),
        _findings(report),
        _proof(report),
        _not_tested(report),
    )
    return "\n".join(line for part in parts for line in part)


def _head(report: DrillReport) -> list[str]:
    return [
        f"# Failover drill {facts.verdict(report)}",
        "",
        *(f"* {'**' if first else ''}{cell(reason)}{'**' if first else ''}" for first, reason in _first(report.reasons)),
        "",
        f"{cell(report.drill_id)}: {cell(facts.where(report))}; {cell(facts.faults(report))}.",
        (
            f"{report.objects:,} objects: {facts.effects(report)}; {report.negative_controls.found} of "
            f"{report.negative_controls.injected} negative controls found; "
            f"{formatting.duration(facts.lasted(report))} in all; "
            f"the clocks of health checks, alarms and TTLs ran {formatting.times(report.time_factor)}."
        ),
        "",
    ]


def _first(reasons: Sequence[str]) -> list[tuple[bool, str]]:
    return [(number == 0, reason) for number, reason in enumerate(reason for reason in reasons if reason.strip())]


def _plan(report: DrillReport) -> list[str]:
    rows = [f"| {cell(name)} | {cell(text)} |" for name, text in facts.plan(report)]
    return _table("| Plan | |\n|---|---|", rows)


def _measures(report: DrillReport) -> list[str]:
    rows = [
        f"| {cell(measure.title)} | {formatting.duration(measure.seconds)} | "
        f"{'' if measure.target_seconds is None else '≤ ' + formatting.duration(measure.target_seconds)} | "
        f"{formatting.met(measure)} |"
        for measure in report.measures
    ]
    return _table("| Measure | Measured | Target | |\n|---|---:|---:|---|", rows)


def _recovery(report: DrillReport) -> list[str]:
    rows = [
        f"| RTO | {cell(formatting.kind(k))} | {formatting.duration(v)} | |" for k, v in facts.only_by_kind(report).items()
    ]
    rows += [
        f"| RPO | {cell(formatting.kind(k))} | {formatting.duration(v)} | {facts.loss(report, k)} |"
        for k, v in report.rpo_seconds.items()
    ]
    allowed = [f"* {one.objects:,} objects. The promise allows it: {cell(one.sentence)}" for one in report.allowed]
    return [*_table("| | Kind | Measured | Objects |\n|---|---|---:|---|", rows), *allowed, *([""] if allowed else [])]


def _findings(report: DrillReport) -> list[str]:
    found = report.proof.findings if report.proof else ()
    rows = [_finding(finding) for finding in found[:SHOWN]]
    rest = len(found) - SHOWN
    more = [f"and {rest} more in report.json", ""] if rest > 0 else []
    return [*_table("| Finding | Object | Where | What |\n|---|---|---|---|", rows), *more]


def _finding(finding: Finding) -> str:
    return f"| {finding.kind} | {cell(finding.object_id)} | {cell(finding.where)} | {cell(finding.what)} |"


def _proof(report: DrillReport) -> list[str]:
    rows = [
        f"| {cell(source.name)} | {source.objects:,} | {source.digest} | {'equal' if source.holds else 'differs'} |"
        for source in facts.sources(report.proof)
    ]
    return _table("| Source | Objects | Digest | |\n|---|---:|---|---|", rows)


def _not_tested(report: DrillReport) -> list[str]:
    if not report.not_tested:
        return []
    listed = [f"* {cell(item.what)}: {cell(item.why)}" for item in report.not_tested[:SHOWN]]
    rest = len(report.not_tested) - SHOWN
    return ["Not tested here:", "", *listed, *([f"* and {rest} more in index.html"] if rest > 0 else []), ""]


def _table(head: str, rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    return [head, *listed, ""] if listed else []
