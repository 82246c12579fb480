"""Render gl-code-quality.json, by which GitLab shows findings in a merge request.

Format: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. Rows that passed or are acknowledged are
left out, because GitLab shows each entry as open.
"""

from typing import Any, Final

from compliance.engine.findings import Finding, Findings, Severity, Verdict
from compliance.reports.places import identified, source_of, template_files
from reporting.as_json import dumps
from reporting.text import one_line

_REGISTRY: Final = "compliance/acknowledgements.toml"
"""The file of findings about no template."""


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    files = {(one.configuration, one.name): one.file or file for one, file in template_files(ledger.subjects).items()}
    entries = [
        _entry(ledger, finding, files.get((finding.configuration, finding.stack), _REGISTRY), identifier)
        for finding, identifier in identified(ledger, {Verdict.FAIL, Verdict.NOT_EVALUATED})
    ]
    return dumps(entries)


def _entry(ledger: Findings, finding: Finding, template: str, identifier: str) -> dict[str, Any]:
    rule = ledger.rules[finding.rule]
    file, line = source_of(finding)
    unknown = "not evaluated: " if finding.verdict is Verdict.NOT_EVALUATED else ""
    return {
        "description": one_line(f"{finding.path}: {unknown}{finding.message or rule.title}"),
        "check_name": one_line(finding.rule),
        "fingerprint": identifier,
        "severity": "critical" if rule.severity is Severity.ERROR else "minor",
        "location": {
            "path": one_line((file or template).removeprefix("./")),
            "lines": {"begin": max(1, line if file else finding.line)},
        },
    }
