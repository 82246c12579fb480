"""Render findings.ocsf.json, one OCSF Compliance Finding for each row that has an answer. A test loads it into a model.

Format: https://schema.ocsf.io/1.5.0/classes/compliance_finding. Security lakes and SIEMs read it. A row that does not apply
is left out.
"""

from datetime import UTC, datetime, time
from typing import Any, Final

from compliance.engine.findings import NOTHING_EVALUATED, Finding, Findings, RuleInfo, Severity, Verdict
from compliance.reports.places import identified
from reporting.text import dumps, one_line, printable

_CREATE: Final = 1
_CATEGORY, _CLASS = 2, 2003
_NEW, _SUPPRESSED, _RESOLVED = 1, 3, 4
_PASS, _WARNING, _FAIL = 1, 2, 3
_INFORMATIONAL, _MEDIUM, _HIGH = 1, 3, 4
_STATES: Final = {
    Verdict.PASS: (_RESOLVED, _PASS),
    Verdict.FAIL: (_NEW, _FAIL),
    Verdict.NOT_EVALUATED: (_NEW, _WARNING),
    Verdict.ACKNOWLEDGED: (_SUPPRESSED, _FAIL),
}
"""Status of the finding and of the check. A check that gave no result for want of information is a warning in OCSF."""
_NOTHING: Final = RuleInfo(id="nothing-evaluated", title=NOTHING_EVALUATED, why="", fix="Name a template with resources.")


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    at = _milliseconds(ledger)
    events = [_event(at, ledger.rules[row.rule], row, identifier) for row, identifier in identified(ledger, set(_STATES))]
    if not ledger.evaluated:
        events.append(_event(at, _NOTHING, Finding(rule=_NOTHING.id, verdict=Verdict.NOT_EVALUATED), _NOTHING.id))
    return dumps(events)


def _event(at: int, rule: RuleInfo, finding: Finding, identifier: str) -> dict[str, Any]:
    labels = {"configuration": finding.configuration, "stack": finding.stack, "source": finding.source}
    status, check = _STATES[finding.verdict]
    grave = _HIGH if rule.severity is Severity.ERROR else _MEDIUM
    title, message = one_line(rule.title), printable(finding.message or finding.observed or rule.title)
    return {
        "activity_id": _CREATE,
        "category_uid": _CATEGORY,
        "class_uid": _CLASS,
        "type_uid": _CLASS * 100 + _CREATE,
        "time": at,
        "severity_id": _INFORMATIONAL if finding.verdict is Verdict.PASS else grave,
        "status_id": status,
        "status_detail": one_line(finding.decision),
        "message": message,
        "metadata": {"version": "1.5.0", "product": {"name": "Lockstep compliance", "vendor_name": "Lockstep"}},
        "finding_info": {"uid": identifier, "title": title, "desc": printable(rule.why or rule.title)},
        "compliance": {
            "control": one_line(rule.id),
            "requirements": [one_line(control) for control in rule.controls],
            "standards": sorted({one_line(control.partition(":")[0]) for control in rule.controls}),
            "status_id": check,
        },
        "remediation": {"desc": printable(rule.fix)},
        "resources": [
            {
                "uid": one_line(finding.path),
                "name": one_line(finding.logical_id),
                "type": one_line(finding.resource_type),
                "region": one_line(finding.region),
                "labels": [one_line(f"{name}={value}") for name, value in labels.items() if value],
            }
        ],
    }


def _milliseconds(ledger: Findings) -> int:
    """Return the end of the run, or the day of the verdict where the run is unknown, in milliseconds since 1970."""
    ended = ledger.run.get("ended")
    moment = datetime.fromisoformat(ended) if ended else datetime.combine(ledger.judged_on, time(), UTC)
    return int(moment.timestamp() * 1000)
