"""poam.json is valid by compliance-trestle's object model of OSCAL; an item stands for each open rule and each decision."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from trestle.oscal.poam import Model

from compliance.engine.findings import Findings, Verdict
from compliance.reports import poam
from unit_tests.compliance.reports.ledgers import ACCEPTED, FAILING, PASSING, ROWS, hostile, ledger, ledgers
from unit_tests.fixtures.examples import examples


def _plan(judged: Findings) -> dict[str, Any]:
    text = poam.render(judged)
    Model.model_validate_json(text)
    plan: dict[str, Any] = json.loads(text)["plan-of-action-and-milestones"]
    defined = [each["uuid"] for part in ("observations", "risks", "poam-items") for each in plan.get(part, ())]
    assert len(defined) == len(set(defined))
    for item in plan["poam-items"]:
        related = [link for links in ("related-observations", "related-risks") for link in item.get(links, ())]
        assert {uuid for link in related for uuid in link.values()} <= set(defined)
    return plan


def test_open_rule_and_decision_are_items_with_a_risk() -> None:
    plan = _plan(ledger(*ROWS))

    assert [item["title"] for item in plan["poam-items"]] == ["P::Minor", "P::R", "Logs"]
    assert [(risk["status"], risk.get("deadline", "")[:10]) for risk in plan["risks"]] == [
        ("open", ""),
        ("open", ""),
        ("deviation-approved", "2027-01-01"),
    ]
    assert plan["risks"][1]["remediations"][0]["description"] == "Fix it"
    assert [len(item["related-observations"]) for item in plan["poam-items"]] == [1, 2, 1]
    assert {prop["value"] for each in plan["observations"] for prop in each["props"]} >= {"FAIL", "ACKNOWLEDGED"}


def test_passes_are_not_in_the_plan() -> None:
    accepted = _plan(ledger(PASSING, ACCEPTED))
    assert [each["title"] for each in accepted["poam-items"]] == ["Logs"]
    assert len(accepted["observations"]) == len(accepted["local-definitions"]["inventory-items"]) == 1
    assert [item["title"] for item in _plan(ledger(PASSING, decisions=()))["poam-items"]] == ["No action is planned"]
    assert _plan(ledger(PASSING, FAILING))["system-id"]["id"] == "prod"


def test_plan_with_hostile_text_is_valid() -> None:
    assert _plan(hostile())["poam-items"]


@pytest.mark.property
@settings(max_examples=examples(25))
@given(ledgers())
def test_plan_of_any_ledger_is_valid_and_complete(judged: Findings) -> None:
    open_rules = {row.rule for row in judged.findings if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}}
    used = {use.id for use in judged.decisions if use.acknowledged}
    assert len(_plan(judged)["poam-items"]) == max(1, len(open_rules) + len(used))
