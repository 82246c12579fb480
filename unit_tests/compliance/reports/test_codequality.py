"""The reports for GitLab, JUnit and FedRAMP have their formats' fields, and list what is open."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from junitparser import Error, Failure, JUnitXml, Skipped
from trestle.oscal.poam import Model

from compliance.engine.findings import Findings, Verdict
from compliance.reports import codequality, junit, poam, sarif
from unit_tests.compliance.reports.ledgers import ACCEPTED, FAILING, PASSING, ROWS, hostile, ledger, ledgers
from unit_tests.fixtures.examples import examples

# https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
FORMAT: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            **{name: {"type": "string", "minLength": 1} for name in ("description", "check_name", "fingerprint")},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": "^(?!\\./)"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}


def _entries(of: Findings) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(codequality.render(of))
    Draft202012Validator(FORMAT).validate(entries)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == (len(of.failures) or int(not of.evaluated))
    return entries


def test_open_findings_are_listed_with_their_python_lines() -> None:
    entries = _entries(ledger(*ROWS))

    open_rows = [row for row in ROWS if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}]
    assert sorted(entry["check_name"] for entry in entries) == sorted(row.rule for row in open_rows)
    located = {(entry["location"]["path"], entry["location"]["lines"]["begin"]) for entry in entries}
    in_sarif = [
        result["locations"][0]["physicalLocation"]
        for result in json.loads(sarif.render(ledger(*open_rows)))["runs"][0]["results"]
    ]
    assert located == {(at["artifactLocation"]["uri"], at.get("region", {}).get("startLine", 1)) for at in in_sarif}


def test_run_without_findings_is_an_empty_list() -> None:
    assert _entries(ledger(PASSING)) == []


def test_run_without_evaluated_rows_is_one_finding() -> None:
    (entry,) = _entries(ledger())
    assert entry["description"] == "nothing was evaluated, so there is no verdict"


def test_hostile_text_stays_in_one_line() -> None:
    assert all("\n" not in value for entry in _entries(hostile()) for value in (entry["description"], entry["check_name"]))


@pytest.mark.property
@given(judged=ledgers())
def test_any_ledger_is_valid_for_gitlab(judged: Findings) -> None:
    _entries(judged)


def test_junit_distinguishes_failed_unevaluated_and_acknowledged() -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(ledger(*ROWS)).encode()))

    cases = {case.name: case for suite in document for case in suite}
    assert len(cases) == 4  # two rows are about one resource
    assert isinstance(cases["S/B/Resource"].result[0], Error)
    assert isinstance(cases["S/C/Resource"].result[0], Failure)
    assert "Fix: Fix it" in cases["S/C/Resource"].result[0].text
    assert isinstance(cases["S/D/Resource"].result[0], Skipped)


def test_junit_of_a_run_without_evaluated_rows_is_one_error() -> None:
    (suite,) = JUnitXml.fromfile(BytesIO(junit.render(ledger()).encode()))

    ((error,),) = (case.result for case in suite)
    assert isinstance(error, Error)
    assert error.message == "nothing was evaluated, so there is no verdict"
    assert suite.errors == 1


def test_junit_escapes_hostile_text() -> None:
    suites = list(JUnitXml.fromfile(BytesIO(junit.render(hostile()).encode())))

    assert len(list(suites[0])) == len(ROWS)


@pytest.mark.property
@given(ledgers())
def test_junit_of_any_ledger_has_a_case_for_each_row(judged: Findings) -> None:
    document = JUnitXml.fromfile(BytesIO(junit.render(judged).encode()))

    assert sum(len(list(suite)) for suite in document) == max(1, len(judged.findings))


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
