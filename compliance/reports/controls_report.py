"""Render controls.json: the state of each control of each framework. A mapping, not a certification."""

from collections import Counter, defaultdict
from typing import Any, Final

from compliance.controls.bridge import source_of_mapping
from compliance.controls.catalogue import Framework, published
from compliance.controls.coverage import ControlState, control_states
from compliance.engine.findings import COLUMNS, Findings, RuleInfo, Verdict
from compliance.reports import crosswalk
from reporting.text import dumps

VERSION: Final = "2.0"
NOTE: Final = (
    "A mapping, not a certification. A control is listed with the rules that serve it; each rule, under `rules`, with the "
    "resources that it judged. A rule decides the part of a control that a template can show. `inherited from AWS` and "
    "`procedural` say where other evidence is; nothing here speaks for a control that is `not decided by this gate`."
)


def render(ledger: Findings) -> str:
    """Return the report as JSON text, the same bytes for the same ledger."""
    states = control_states(ledger)
    serving = {rule for state in states for rule in state.rules}
    document = {
        "schema_version": VERSION,
        "note": NOTE,
        "judged_on": ledger.judged_on.isoformat(),
        "frameworks": _frameworks(states),
        "controls": [state_as_dict(state) for state in states],
        "rules": _rules(ledger, serving),
        "crosswalk": {"prowler": crosswalk.as_list(ledger)},
    }
    return dumps(document)


def state_as_dict(state: ControlState) -> dict[str, Any]:
    """Return a control's state, with the number of its resources."""
    return {
        "framework": state.framework,
        "control": state.control,
        "title": state.title,
        "status": state.status,
        "rules": list(state.rules),
        "passed": state.passed,
        "failed": state.failed,
        "acknowledged": state.acknowledged,
        "not_evaluated": state.not_evaluated,
        "resources": len(state.resources),
        **{name: text for name in ("reason", "owner", "evidence") if (text := getattr(state, name))},
    }


def _frameworks(states: tuple[ControlState, ...]) -> dict[str, dict[str, Any]]:
    """Return each framework's title, the sources of its ids and of its mapping, and the number of controls of each state."""
    counted: dict[Framework, Counter[str]] = defaultdict(Counter)
    for state in states:
        counted[state.framework][state.status] += 1
    return {
        framework: {
            "title": published(framework)["title"],
            "source": published(framework)["source"],
            "mapping": source_of_mapping(framework),
            "controls": dict(counts),
        }
        for framework, counts in counted.items()
    }


def _rules(ledger: Findings, serving: set[str]) -> dict[str, Any]:
    """Return each rule that serves a control, with the construct paths of each verdict."""
    paths: dict[str, dict[Verdict, set[str]]] = {rule: {verdict: set() for verdict in COLUMNS} for rule in serving}
    for row in ledger.findings:
        if row.rule in paths:
            paths[row.rule][row.verdict].add(row.path)
    return {rule: _rule(ledger.rules[rule], paths[rule]) for rule in sorted(serving)}


def _rule(rule: RuleInfo, paths: dict[Verdict, set[str]]) -> dict[str, Any]:
    judged = {verdict.lower(): sorted(found) for verdict, found in paths.items() if found}
    return {"title": rule.title, "controls": list(rule.controls), **judged}
