"""assessment-results.json is valid by compliance-trestle's object model of OSCAL, and complete."""

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import Model

from compliance.engine.findings import Findings
from compliance.reports import oscal
from unit_tests.compliance.reports.ledgers import ACCEPTED, PASSING, ROWS, UNTIDY, hostile, ledger, ledgers
from unit_tests.fixtures.examples import examples


def _document(judged: Findings) -> dict[str, Any]:
    text = oscal.render(judged)
    Model.model_validate_json(text)
    document: dict[str, Any] = json.loads(text)["assessment-results"]
    _assert_references_are_defined(document)
    return document


def _assert_references_are_defined(document: dict[str, Any]) -> None:
    """Assert that every UUID that is referred to is defined, and none is defined twice."""
    defined: list[str] = []
    wanted: list[str] = []

    def walk(value: Any) -> None:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            for key, child in value.items():
                if key == "uuid":
                    defined.append(child)
                elif key.endswith("-uuid"):
                    wanted.append(child)
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(document)
    assert len(defined) == len(set(defined))
    assert set(wanted) <= set(defined)
    assert document["import-ap"]["href"].removeprefix("#") in defined


def _findings(judged: Findings) -> dict[str, dict[str, Any]]:
    return {finding["target"]["target-id"]: finding for finding in _document(judged)["results"][0].get("findings", ())}


def test_control_with_an_answer_is_a_finding() -> None:
    found = _findings(ledger(PASSING))

    assert set(found) == {"sc-28", "sc-28.1", "pci-dss-3.2.1_3.4"}
    assert {finding["target"]["status"]["state"] for finding in found.values()} == {"satisfied"}


def test_failure_and_accepted_deviation_are_not_satisfied() -> None:
    assert _findings(ledger(*ROWS))["sc-28"]["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
    accepted = _findings(ledger(PASSING, ACCEPTED))["sc-28"]
    assert accepted["target"]["status"]["state"] == "not-satisfied"
    assert accepted["target"]["status"]["reason"] == "other"
    assert len(accepted["related-risks"]) == 1


def test_decision_is_a_risk_with_reason_and_deadline() -> None:
    risk = _document(ledger(*ROWS))["results"][0]["risks"][0]

    assert risk["description"] == "A log of a log never ends."
    assert risk["status"] == "deviation-approved"
    assert risk["deadline"].startswith("2027-01-01")
    assert {prop["name"]: prop["value"] for prop in risk["props"]} == {
        "decision": "logs",
        "owner": "me",
        "approver": "you",
        "ticket": "SEC-1",
        "decided": "2026-11-01",
    }
    assert len(risk["related-observations"]) == 1


def test_only_controls_with_answers_are_reviewed() -> None:
    reviewed = _document(ledger(*ROWS))["results"][0]["reviewed-controls"]

    selections = reviewed["control-selections"]
    ids = [control["control-id"] for selection in selections for control in selection["include-controls"]]
    assert sorted(ids) == ["pci-dss-3.2.1_3.4", "sc-28", "sc-28.1"]
    nothing = _document(ledger(UNTIDY))["results"][0]["reviewed-controls"]["control-selections"]
    assert [selection["include-controls"] for selection in nothing] == [[{"control-id": "none"}]]


def test_control_without_a_rule_has_a_statement_of_who_answers() -> None:
    (attestation,) = _document(ledger(*ROWS))["results"][0]["attestations"]

    stated: dict[tuple[str, str], dict[str, list[str]]] = {}
    for part in attestation["parts"]:
        props: dict[str, list[str]] = defaultdict(list)
        for prop in part["props"]:
            props[prop["name"]].append(prop["value"])
        for control in props["control"]:
            stated[props["framework"][0], control] = props
    assert stated["NIST-800-53-R5", "CP-1"]["status"] == ["procedural"]
    assert stated["NIST-800-53-R5", "CP-1"]["owner"] == ["security and compliance"]
    assert stated["SOC2", "CC6.4"]["status"] == ["inherited from AWS"]
    assert stated["NIST-800-53-R5", "SC-8"]["status"] == ["not decided by this gate"]
    assert ("NIST-800-53-R5", "SC-28") not in stated


def test_oscal_version_is_that_of_trestle() -> None:
    assert oscal.OSCAL_VERSION == OSCAL_VERSION


def test_oscal_with_hostile_text_is_valid() -> None:
    assert len(_document(hostile())["results"][0]["observations"]) == 4


@pytest.mark.property
@settings(max_examples=examples(12))  # each has every control of every framework
@given(ledgers())
def test_any_ledger_is_valid_oscal(judged: Findings) -> None:
    results = _document(judged)["results"][0]

    subjects = {subject["subject-uuid"] for found in results.get("observations", ()) for subject in found["subjects"]}
    assert len(subjects) == len({(row.configuration, row.stack, row.path) for row in judged.findings})
    assert oscal.render(replace(judged, findings=judged.findings[::-1])) == oscal.render(judged)
