"""report.json: the whole ledger, versioned. `compliance/report.schema.json` is its contract."""

import json
from dataclasses import asdict
from typing import Any, Final

from compliance.ledger import Finding, Ledger

VERSION: Final = "1.0"
"""Raised in its first part when a reader of the former version would misread the new one."""


def render(ledger: Ledger) -> str:
    """The report as JSON text, the same bytes for the same ledger."""
    return json.dumps(as_dict(ledger), indent=1, default=str) + "\n"


def as_dict(ledger: Ledger) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "schema_version": VERSION,
        "passed": ledger.passed,
        "judged_on": ledger.judged_on.isoformat(),
        "configurations": list(ledger.configurations),
        "counts": {verdict.value: count for verdict, count in ledger.counts.items()},
        "not_applicable_by_pack": dict(sorted(ledger.not_applicable.items())),
        "templates": [_without_text(asdict(subject)) for subject in ledger.subjects],
        "decisions": [{**asdict(use), "expires": use.expires.isoformat()} for use in ledger.decisions],
        "rules": [{**asdict(rule), "pack": rule.pack} for _, rule in sorted(ledger.rules.items())],
        "findings": [_finding(finding) for finding in sorted(ledger.findings, key=lambda f: _order(ledger, f))],
        "advice": [asdict(advice) for advice in ledger.advice],
    }


def _without_text(subject: dict[str, Any]) -> dict[str, Any]:
    """A template by its hash: the evidence bundle holds its text."""
    return {key: value for key, value in subject.items() if key != "text"}


def _order(ledger: Ledger, finding: Finding) -> tuple[int, str, str, str, str, str]:
    return (
        ledger.rank(finding),
        finding.configuration,
        finding.rule,
        finding.stack,
        finding.path,
        finding.message,
    )


def _finding(finding: Finding) -> dict[str, Any]:
    """A row without its empty fields: a ledger has thousands of passes, and they say little."""
    return {key: value for key, value in asdict(finding).items() if value not in {"", 0} or key == "path"}
