"""A selection has only the rows of its packs and frameworks, and keeps the row of a pack that did not run."""

from datetime import date

import pytest

from compliance.engine.findings import Advice, Finding, Findings, Place, RuleInfo, Verdict
from compliance.reports.selection import SelectionError, select
from unit_tests.compliance.reports.ledgers import USE


def _rule(name: str, *controls: str) -> RuleInfo:
    return RuleInfo(id=name, title="t", why="w", fix="f", controls=controls)


RULES = (
    _rule("HIPAA.Security::One", "HIPAA-Security:164.312(b)"),
    _rule("ActivePassive::Both", "HIPAA-Security:164.312(b)", "PCI-DSS-3.2.1:10.5"),
    _rule("AwsSolutions::Good"),
    _rule("AwsSolutions::Ran"),
    _rule("PCI.DSS.321::Ran"),
)
LEDGER = Findings(
    findings=(
        *(Finding(rule=rule.id, verdict=Verdict.PASS, configuration="prod", path="S/A") for rule in RULES[:3]),
        Finding(rule="AwsSolutions::Good", verdict=Verdict.ACKNOWLEDGED, configuration="prod", path="S/B", decision=USE.id),
        Finding(rule="PCI.DSS.321::Ran", verdict=Verdict.NOT_EVALUATED, configuration="prod", path="PCI.DSS.321"),
    ),
    rules={rule.id: rule for rule in RULES},
    silent={rule.id: [Place(configuration="prod", path="S/C")] for rule in RULES[:3]},
    judged_on=date(2026, 11, 24),
    configurations=("prod",),
    decisions=(USE,),
    advice=(Advice(rule="CloudFormation::W1", configuration="prod", stack="S", path="S/A", message="m"),),
)


def _rules(ledger: Findings) -> set[str]:
    assert {finding.rule for finding in ledger.findings} <= set(ledger.rules)
    return {row.rule for row in ledger.rows()}


def test_selection_of_nothing_is_the_whole_ledger() -> None:
    assert select(LEDGER) is LEDGER


def test_selected_pack_keeps_only_its_decisions_and_advice() -> None:
    chosen = select(LEDGER, ["AwsSolutions"])

    assert _rules(chosen) == {"AwsSolutions::Good"}
    assert chosen.decisions == (USE,)
    assert not chosen.advice
    assert not select(LEDGER, ["ActivePassive"]).decisions


def test_selected_framework_has_every_rule_that_serves_it() -> None:
    assert _rules(select(LEDGER, frameworks=["HIPAA-Security"])) == {"HIPAA.Security::One", "ActivePassive::Both"}
    assert _rules(select(LEDGER, ["ActivePassive"], ["HIPAA-Security"])) == {"ActivePassive::Both"}


def test_pack_of_a_framework_that_did_not_run_fails() -> None:
    chosen = select(LEDGER, frameworks=["PCI-DSS-3.2.1"])

    assert not chosen.passed
    assert {finding.rule for finding in chosen.failures} == {"PCI.DSS.321::Ran"}


def test_unknown_pack_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(SelectionError, match=r"ActivePassive, AwsSolutions, HIPAA\.Security"):
        select(LEDGER, ["AwsSolution"])
