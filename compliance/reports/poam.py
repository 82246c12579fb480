"""Render poam.json, a plan of action and milestones in NIST's OSCAL. A test loads it into compliance-trestle's object model.

An item stands for each rule with open findings, whose risk has the rule's fix as its remediation, and for each decision in
use, whose risk has the decision's last day as its deadline. Passes are in assessment-results.json.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from compliance.engine.findings import Finding, Findings, RuleInfo, Verdict
from compliance.reports.oscal import Answer, Results, identifier, prop, related, risk_id
from reporting.text import dumps, one_line, printable

_OPEN: Final = frozenset({Verdict.FAIL, Verdict.NOT_EVALUATED})

_Json = dict[str, Any]


def render(ledger: Findings) -> str:
    """Return the plan as JSON text, the same bytes for the same ledger."""
    return dumps({"plan-of-action-and-milestones": _plan(ledger)}, depth=4)


def _plan(ledger: Findings) -> _Json:
    results = Results(ledger)
    answers = {
        answer: rows
        for answer, rows in results.answers.items()
        if answer.verdict in _OPEN or answer.decision in results.uses
    }
    by_rule: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.verdict in _OPEN:
            by_rule[answer.rule].append(answer)
    risks = [_risk(ledger.rules[rule], given, answers, results) for rule, given in by_rule.items()]
    risks += map(results.risk, results.uses.values())
    items = [_item(risk) for risk in risks] or [
        # OSCAL has no empty plan.
        {
            "uuid": identifier("poam-item", "none"),
            "title": "No action is planned",
            "description": "No finding is open, and no decision accepts one.",
        }
    ]
    return {
        "uuid": identifier("poam", results.identity),
        "metadata": results.metadata("Open and accepted findings about infrastructure before it is deployed"),
        "system-id": {"id": one_line(", ".join(ledger.configurations)) or "templates"},
        "local-definitions": results.definitions(row for rows in answers.values() for row in rows),
        **({"observations": [results.observation(*each) for each in answers.items()]} if answers else {}),
        **({"risks": risks} if risks else {}),
        "poam-items": items,
    }


def _risk(rule: RuleInfo, given: list[Answer], answers: Mapping[Answer, list[Finding]], results: Results) -> _Json:
    """Return the risk of a rule's open findings."""
    count = sum(len(answers[answer]) for answer in given)
    remediation = {
        "uuid": identifier("remediation", rule.id),
        "lifecycle": "recommendation",
        "title": "Fix",
        "description": printable(rule.fix) or "-",
    }
    return {
        "uuid": risk_id(f"open {rule.id}"),
        "title": one_line(rule.id) or "rule",
        "description": printable(rule.title) or "-",
        "statement": f"{count} {'finding is' if count == 1 else 'findings are'} open: {printable(rule.why) or '-'}",
        "props": [prop("rule", rule.id), prop("severity", rule.severity.value)],
        "status": "open",
        "origins": [results.origin()],
        "remediations": [remediation],
        "related-observations": related(given),
    }


def _item(risk: _Json) -> _Json:
    return {
        "uuid": identifier("poam-item", risk["uuid"]),
        **{name: risk[name] for name in ("title", "description", "props", "related-observations") if name in risk},
        "related-risks": [{"risk-uuid": risk["uuid"]}],
    }
