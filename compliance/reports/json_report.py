"""Render report.json, the whole ledger. `compliance/report.schema.json` is its contract."""

from dataclasses import asdict
from typing import Any, Final

from compliance.controls.coverage import control_states
from compliance.engine.findings import Finding, Findings, RuleInfo, Subject
from compliance.reports.controls_report import state_as_dict
from compliance.reports.places import every_field, template_files
from reporting.text import dumps

VERSION: Final = "2.3"
"""Version of the report. The first part grows when a reader of the former version would misread the new one."""


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    return dumps(as_dict(ledger))


def as_dict(ledger: Findings) -> dict[str, Any]:
    """Return the report as plain data."""
    return {
        "schema_version": VERSION,
        "passed": ledger.passed,
        **({"fail_on": ledger.threshold.fail_on} if ledger.threshold else {}),
        **({"revision": dict(ledger.revision)} if ledger.revision else {}),
        **({"run": dict(ledger.run)} if ledger.run else {}),
        "judged_on": ledger.judged_on.isoformat(),
        "configurations": list(ledger.configurations),
        "counts": {verdict.value: count for verdict, count in ledger.counts.items()},
        "not_applicable_by_pack": dict(sorted(ledger.not_applicable.items())),
        "templates": [_template(subject, file) for subject, file in template_files(ledger.subjects).items()],
        "decisions": [
            {**asdict(use), "decided": use.decided.isoformat(), "expires": use.expires.isoformat()}
            for use in ledger.decisions
        ],
        "rules": [_rule(rule) for _, rule in sorted(ledger.rules.items())],
        "controls": [state_as_dict(state) for state in control_states(ledger)],
        "coverage": [asdict(item) for item in ledger.coverage],
        "encrypted": [asdict(use) for use in ledger.encrypted],
        "findings": [_finding(finding) for finding in sorted(ledger.findings, key=lambda f: _order(ledger, f))],
        "advice": [asdict(advice) for advice in ledger.advice],
    }


def _rule(rule: RuleInfo) -> dict[str, Any]:
    fields = {**asdict(rule), "pack": rule.pack}
    del fields["covers"]  # `coverage` has the result for each type
    return fields


def _template(subject: Subject, file: str) -> dict[str, Any]:
    """Return a template by its hash; the evidence bundle has its text, in `file`."""
    return {
        "configuration": subject.configuration,
        "name": subject.name,
        "stack_name": subject.stack_name,
        "region": subject.region,
        **({"account": subject.account} if subject.account else {}),
        "file": file,
        "sha256": subject.sha256,
        "resources": subject.resources,
    }


def _order(ledger: Findings, finding: Finding) -> tuple[Any, ...]:
    place = (finding.configuration, finding.rule, finding.stack, finding.path)
    return (ledger.rank(finding), *place, *every_field(finding))


_FIELDS: Final = tuple(dict.fromkeys(("rule", "verdict", *Finding.__dataclass_fields__)))


def _finding(finding: Finding) -> dict[str, Any]:
    """Return a row without its empty fields, which most rows have: a ledger has thousands of passes."""
    values = ((name, getattr(finding, name)) for name in _FIELDS)
    return {name: value for name, value in values if value or name == "path"}
