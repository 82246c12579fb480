"""Render gl-code-quality.json, by which GitLab shows findings in a merge request.

Format: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. Rows that passed or are acknowledged are
left out, because GitLab shows each entry as open.
"""

from typing import Any, Final

from compliance.engine.findings import NOTHING_EVALUATED, Finding, Findings, Severity, Verdict
from compliance.reports.places import identified, source_of, template_files
from reporting.text import dumps, one_line

_REGISTRY: Final = "compliance/acknowledgements.toml"
"""The file of findings about no template."""


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    files = {(one.configuration, one.name): one.file or file for one, file in template_files(ledger.subjects).items()}
    entries = [
        _entry(ledger, finding, files.get((finding.configuration, finding.stack), _REGISTRY), identifier)
        for finding, identifier in identified(ledger, {Verdict.FAIL, Verdict.NOT_EVALUATED})
    ]
    if not entries and not ledger.evaluated:
        entries = [_as_entry(NOTHING_EVALUATED, "Lockstep compliance", "nothing-evaluated", _REGISTRY)]
    return dumps(entries)


def _entry(ledger: Findings, finding: Finding, template: str, identifier: str) -> dict[str, Any]:
    rule = ledger.rules[finding.rule]
    file, line = source_of(finding)
    unknown = "not evaluated: " if finding.verdict is Verdict.NOT_EVALUATED else ""
    text = f"{finding.path}: {unknown}{finding.message or rule.title}"
    severity = "critical" if rule.severity is Severity.ERROR else "minor"
    return _as_entry(text, finding.rule, identifier, file or template, line if file else finding.line, severity)


def _as_entry(  # noqa: PLR0913, PLR0917 - the fields of GitLab's format
    text: str, rule: str, identifier: str, path: str, line: int = 1, severity: str = "critical"
) -> dict[str, Any]:
    return {
        "description": one_line(text),
        "check_name": one_line(rule),
        "fingerprint": identifier,
        "severity": severity,
        "location": {"path": one_line(path.removeprefix("./")), "lines": {"begin": max(1, line)}},
    }
