"""controls.json has every control, the rules that serve it and the resources that they judged."""

import json
from typing import Any

from compliance.engine.findings import Findings
from compliance.reports import controls_report
from unit_tests.compliance.reports.ledgers import ACCEPTED, PASSING, ROWS, ledger


def _report(judged: Findings) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(controls_report.render(judged))
    return report


def _status(judged: Findings, framework: str, control: str) -> str:
    states = {(state["framework"], state["control"]): state["status"] for state in _report(judged)["controls"]}
    return str(states[framework, control])


def test_state_of_a_control_is_the_worst_of_its_rules() -> None:
    assert _status(ledger(PASSING), "PCI-DSS-3.2.1", "3.4") == "passing"
    assert _status(ledger(PASSING, ACCEPTED), "PCI-DSS-3.2.1", "3.4") == "acknowledged"
    assert _status(ledger(*ROWS), "PCI-DSS-3.2.1", "3.4") == "failing"
    assert _status(ledger(*ROWS), "HIPAA-Security", "164.312(e)(1)") == "not decided by this gate"


def test_rules_of_a_control_list_their_resources() -> None:
    report = _report(ledger(*ROWS))

    state = next(state for state in report["controls"] if state["control"] == "SC-28" and state["rules"])
    assert state["rules"] == ["P::R"]
    assert report["rules"]["P::R"]["fail"] == ["S/C/Resource"]
    assert report["rules"]["P::R"]["acknowledged"] == ["S/D/Resource"]
    assert report["rules"]["P::R"]["pass"] == ["S/A/Resource"]


def test_report_is_a_mapping_and_counts_each_framework() -> None:
    report = _report(ledger(*ROWS))

    assert report["note"].startswith("A mapping, not a certification.")
    for framework, counts in report["frameworks"].items():
        assert sum(counts["controls"].values()) == sum(state["framework"] == framework for state in report["controls"])
